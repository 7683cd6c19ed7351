//! Behaviour, tested through the library's public parts and the built binary: real sockets, real files, no internet.

mod archive;
mod contract;
mod embedded;
mod laboratory;
mod net;
mod relay;
mod sqlite;
