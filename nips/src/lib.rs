//! Nostr protocol knowledge without I/O.
//!
//! What goes in is text and bytes from anywhere; what comes out are types that cannot be wrong:
//! events whose id is the hash of their content, filters with their matcher, canonical relay URLs,
//! NIP-11 documents with capped fields, NIP-66 results and the tags that publish them. There is no
//! socket, no clock and no randomness here, so the crate can be used by any client or monitor.

pub mod address;
pub mod canonical_json;
pub mod client_message;
pub mod event;
pub mod filter;
pub mod host;
mod json;
pub mod keys;
pub mod kind;
pub mod network;
pub mod nip02;
pub mod nip09;
pub mod nip11;
pub mod nip13;
pub mod nip19;
pub mod nip40;
pub mod nip42;
pub mod nip45;
pub mod nip62;
pub mod nip65;
pub mod nip66;
pub mod nip67;
pub mod nip70;
pub mod nip77;
pub mod nip86;
pub mod nip98;
pub mod relay_sources;
pub mod relay_url;
pub mod tag_values;
#[cfg(test)]
mod test_event;

pub use address::Address;
pub use client_message::{ClientEvent, ClientMessage};
pub use event::{Event, EventError, EventRef};
pub use filter::{Filter, FilterError};
pub use keys::{EventId, HexError, PublicKey, Signature};
pub use kind::Kind;
pub use network::Network;
pub use relay_sources::NamedRelay;
pub use relay_url::{LocalRelays, RelayUrl, RelayUrlError};
