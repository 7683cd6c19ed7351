//! NIP-66: what a monitor measures about a relay, and the events that publish it.
//!
//! One file for each check's result, with the tags it becomes and is read from; [`RelayDiscovery`]
//! (kind 30166) joins them, [`MonitorAnnouncement`] (kind 10166) says what a monitor does. The tags
//! are those of the merged NIP and of its pending extension (full set of `ssl`, `net`, `geo`, `dns`
//! and `http` tags, `L` namespaces, `W`); parsing also understands the drafts that are still found.
//!
//! Results serialize to the stored documents, with the field names of the schema (`ssl_valid`,
//! `geo_country` …). What changes with every check, such as times, is left out there, so that an
//! unchanged relay has one document.

mod announcement;
mod claim_audit;
mod discovery;
mod dns;
mod draft;
mod geo;
mod http;
mod kinds;
mod labels;
mod net;
mod requirements;
mod rtt;
mod ssl;
mod tags;

pub use announcement::{Check, CheckTimeout, MonitorAnnouncement};
pub use claim_audit::{Claim, ClaimAudit, ClaimFinding, Limit, Observed, Stated, UnknownClaim};
pub use discovery::{DiscoveryError, Observation, RelayDiscovery, discovery_identifier};
pub use dns::Dns;
pub use geo::{Geo, geohash};
pub use http::Http;
pub use net::Net;
pub use requirements::{Refusal, RelayType, Requirements};
pub use rtt::{Phase, Rtt};
pub use ssl::Ssl;
pub use tags::one_line;
