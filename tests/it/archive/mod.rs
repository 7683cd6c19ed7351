//! The one door for events, over the real event store.

mod corpus;
mod door;
pub(crate) mod faults;
mod feed;
pub(crate) mod given;
