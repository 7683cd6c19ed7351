//! The pages of `docs/`: their links lead somewhere, their commands work, and what is said to come from the code does.

mod commands;
mod pages;
mod reference;
