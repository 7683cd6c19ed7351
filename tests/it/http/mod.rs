//! The two ports over real sockets: of the built program, and of the library's server where time has to pass.

mod bounds;
pub(crate) mod client;
pub(crate) mod exposition;
mod health;
mod information;
mod metrics;
mod page;
mod paths;
mod proxies;
pub(crate) mod served;
mod tls;
