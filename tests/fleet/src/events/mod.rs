//! Seeded events: signed, valid, and shaped like what a relay archive holds.
//!
//! [`Generator`] is an endless iterator. Kinds are weighted as in a real archive of 172 million
//! events; tags, sizes, replaceable versions, deletions, replies and expirations follow the same
//! picture. Everything is a function of the seed, signatures included.

mod author;
mod generator;
mod kinds;
mod series;
mod shapes;
mod text;

pub use author::{Author, verify};
pub use generator::Generator;
pub use series::{Series, Share};
