//! What is measured about a relay: one file a check, over connections that `net` opens.
//!
//! A relay that is down or misbehaves is a result, never an error. Everything a check does ends before
//! the deadline that it is given, which is the same for all checks of one visit.

pub mod audit;
pub mod dns;
pub mod geoip;
pub mod http;
pub mod nip11;
pub mod retry;
pub mod rtt;
pub mod ssl;
