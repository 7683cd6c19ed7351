//! The laboratory tested: each behaviour does what it claims.

mod answers;
mod client;
mod conduct;
mod information;
mod lifecycle;
mod names;
mod silence;
mod syncs;
mod tls;
