//! The one door for events: crawler, relay clients, import and our own monitor all come through
//! [`Archive::admit`].
//!
//! Raw JSON goes in. Sizes and the id hash are checked first, then the id is looked up, and only
//! events that are new have their signature checked, in parallel on threads of their own. What is
//! left goes to the store in one sorted batch, together with the sightings of known events, and is
//! announced once it is durable. What comes out is one [`Admission`] for each input.

mod admission;
mod announcement;
mod author_points;
mod batch;
mod claims;
mod counters;
mod door;
mod policy;
mod rejection;
mod settings;
mod sighted;
mod verify;
mod visit;
mod workers;

pub use admission::{Admission, Archive};
pub use announcement::{Announcement, LiveEvent};
pub use counters::ArchiveCounts;
pub use door::Door;
pub use rejection::Rejection;
pub use settings::ArchiveSettings;
