//! Behaviour, tested through the library's public parts and the built binary: real sockets, real files, no internet.

mod laboratory;
mod net;
