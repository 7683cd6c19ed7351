//! The NIP-01 session layer over the archive.
//!
//! The public port upgrades a connection and hands the socket to [`Relay::serve`], which speaks
//! until either side closes it. What clients publish goes through [`Archive`](crate::archive::Archive)
//! like everything else; what they ask for is read from the store as one page and then continued
//! live from exactly the batch that page ended with, by the task in [`Relay::deliver_live`].

mod answering;
mod authentication;
mod authorization;
mod bans;
mod connection;
mod counters;
mod counting;
mod decided;
mod decisions;
mod discovery;
mod filter_limits;
mod information;
mod ingest;
mod listener;
mod live;
mod live_index;
mod management;
mod manners;
mod places;
mod policy;
mod query_gate;
mod rate;
mod reach;
mod reading;
mod reply;
mod seen;
mod server;
mod session;
mod settings;
mod shared_sets;
mod snapshot;
mod stored;
mod subscription;
mod syncing;

pub use authorization::{Claim, Unauthorized};
pub use counters::RelayCounts;
pub use management::MAX_REQUEST_BYTES;
pub use server::Relay;
pub use settings::{
    BanRules, Management, RelayInfo, RelayLimits, RelayRates, RelaySettings, WriteRules,
};
