//! BigBrotr: discovers, validates, monitors and archives Nostr relays, and serves the archive back
//! over a relay of its own. `ARCHITECTURE.md` says which module may import which.

pub mod app;
pub mod archive;
pub mod background;
pub mod checks;
pub mod cli;
pub mod clock;
pub mod config;
pub mod http;
pub mod lifecycle;
pub mod metrics;
pub mod model;
pub mod net;
pub mod relay;
pub mod services;
pub mod store;
pub mod telemetry;
