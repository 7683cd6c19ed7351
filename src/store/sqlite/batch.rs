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
