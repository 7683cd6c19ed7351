//! The main job, end to end: the built binary meets a laboratory of mixed relays, and a client that we
//! did not write asks what came of it.

mod claims;
mod coming_and_going;
mod kills;
mod one_pass;
mod operator;
mod reader;
mod separate_processes;
mod two_monitors;
mod two_synchronizers;
