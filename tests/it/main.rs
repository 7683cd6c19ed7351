//! Behaviour, tested through the library's public parts and the built binary: real sockets, real files, no internet.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod archive;
mod cli;
mod contract;
mod deployments;
mod docs;
mod embedded;
mod events;
mod generated;
mod http;
mod laboratory;
mod mmdb;
mod net;
mod pipeline;
mod postgres;
mod program;
mod relay;
mod relay_protocol;
mod services;
mod shared_data;
mod sql_files;
mod sqlite;
