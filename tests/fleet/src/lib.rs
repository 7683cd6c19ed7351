//! The laboratory: a Nostr network on loopback, for tests and for people who want to watch.
//!
//! A [`FleetPlan`] says which relays there are, how they are reached and what they do wrong;
//! [`Fleet::start`] makes them real: sockets on 127.0.0.x, TLS with an authority of its own, a SOCKS5
//! server for overlay names, a DNS server, and signed events from a seed. Tests ask the fleet afterwards
//! what it saw. Nothing here leaves the machine.
//!
//! ```no_run
//! # async fn demo() -> anyhow::Result<()> {
//! use fleet::{Behaviour, Fleet, FleetPlan, MemberPlan};
//!
//! let plan = FleetPlan::new(1)
//!     .events(1_000)
//!     .member(MemberPlan::healthy())
//!     .member(MemberPlan::new(Behaviour::Cap { limit: 100 }));
//! let fleet = Fleet::start(plan).await?;
//! let relay = fleet.member(1);
//! println!("{} holds {} events", relay.url(), relay.holds().len());
//! relay.go_down().await;
//! relay.come_back().await?;
//! assert_eq!(relay.seen().connections, 0);
//! fleet.stop().await;
//! # Ok(())
//! # }
//! ```

mod behaviour;
mod canary;
mod certificate;
mod conduct;
mod config;
mod corpus;
mod dns;
pub mod events;
mod fleet;
mod information;
mod lies;
mod member;
pub mod names;
mod plan;
mod relay;
mod seen;
mod socks;

pub use behaviour::{Behaviour, Completeness, REFUSALS, Syncing};
pub use canary::Canary;
pub use certificate::{Authority, Certificate};
pub use conduct::{Conduct, Counting, Searching};
pub use config::{ConfigOptions, ConfigPaths};
pub use dns::{DnsAnswer, DnsQuery, DnsServer};
pub use fleet::Fleet;
pub use information::{Information, Redirect};
pub use member::Member;
pub use plan::{Access, FleetPlan, MemberPlan, scenarios};
pub use seen::{HttpRequest, Req, Seen};
pub use socks::{SocksMode, SocksRequest, SocksServer};
