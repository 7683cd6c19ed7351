//! The services against the laboratory: each starts from an archive and asks afterwards what it holds
//! and what the relays saw.

mod figures;
mod finder;
mod given;
mod monitor;
mod refresher;
mod runner;
mod seeder;
mod synchronizer;
mod validator;
