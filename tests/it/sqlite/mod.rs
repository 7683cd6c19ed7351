//! What only the SQLite file promises: its queries use their indexes, its versions are told apart,
//! and damage is noticed.

mod file;
mod queries;
