//! The built program as an operator meets it: commands, files, exit codes, signals.

mod backup;
mod check;
mod check_config;
mod corpus;
mod default_config;
mod doctor;
mod export;
pub(crate) mod import;
mod keys;
mod logs;
mod once;
pub(crate) mod operator;
mod rejects;
mod signals;
mod status;
mod supervisor;
mod sync;
mod traces;
mod usage;
