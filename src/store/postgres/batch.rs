//! Arrays as PostgreSQL takes them, in chunks.

use nips::{Network, RelayUrl};

use crate::model::RelayId;

/// Most elements of one array: a transaction takes milliseconds, and holds its locks no longer.
pub(super) const CHUNK: usize = 1_000;

/// Network names.
pub(super) fn networks(networks: &[Network]) -> Vec<&'static str> {
    networks.iter().map(|network| network.as_str()).collect()
}

/// URLs as text.
pub(super) fn urls<'a>(urls: impl IntoIterator<Item = &'a RelayUrl>) -> Vec<&'a str> {
    urls.into_iter().map(RelayUrl::as_str).collect()
}

/// A relay's key as a number that every key fits.
pub(super) fn key(relay: RelayId) -> i64 {
    i64::from(relay.0)
}
