//! The nouns that services and stores exchange: relays, candidates, documents, sightings, coverage
//! and service state. No I/O and no invariant that a type does not enforce by itself.

mod address_block;
mod alias;
mod candidate;
mod coverage;
mod event_relay;
mod evidence;
mod history;
mod metadata;
mod publication;
mod relay;
mod service_name;
mod service_state;
mod traffic;
mod views;

pub use address_block::{AddressBlock, AddressBlockError};
pub use alias::Alias;
pub use candidate::{Candidate, NewCandidate};
pub use coverage::{Gap, GapReason, Interval, Method, NewGap};
pub use event_relay::Sighting;
pub use evidence::Evidence;
pub use history::{CheckOutcome, FailureCount, Transition, WindowFigures};
pub use metadata::{Metadata, MetadataType, RelayMetadata, RttSample};
pub use publication::Publication;
pub use relay::{NewRelay, Relay, RelayId, RelayState};
pub use service_name::ServiceName;
pub use service_state::{ServiceState, StateType};
pub use traffic::{NetworkTraffic, News, RelayNews, RelayTraffic, Traffic};
pub use views::VIEWS;
