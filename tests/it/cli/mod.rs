//! The built program as an operator meets it: commands, files, exit codes, signals.

mod corpus;
mod export;
pub(crate) mod import;
pub(crate) mod operator;
mod rejects;
