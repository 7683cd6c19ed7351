//! Arrays as SQLite takes them: JSON, in chunks.

use nips::{Network, RelayUrl};

/// Most elements of one `json_each` array: a few hundred KiB of JSON, a few milliseconds of writing.
pub(super) const CHUNK: usize = 1_000;

/// Network names as a JSON array.
pub(super) fn networks(networks: &[Network]) -> String {
    let names = networks.iter().map(|network| network.as_str());
    serde_json::Value::from_iter(names).to_string()
}

/// URLs as a JSON array.
pub(super) fn urls<'a>(urls: impl IntoIterator<Item = &'a RelayUrl>) -> String {
    texts(urls.into_iter().map(RelayUrl::as_str))
}

/// Texts as a JSON array.
pub(super) fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    serde_json::Value::from_iter(texts).to_string()
}

/// A number as SQLite stores it. Nothing that happens lies beyond 2^63 seconds, so such a number
/// means "never" or "for ever", and so does the highest that fits.
pub(super) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A limit as SQLite takes it; a negative one would mean none.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
