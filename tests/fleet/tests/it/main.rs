//! The laboratory tested: each behaviour does what it claims.

mod answers;
mod client;
mod information;
mod lifecycle;
mod names;
mod silence;
mod syncs;
mod tls;
