//! NIP-65 relay lists (kind 10002).

use crate::event::Tag;
use crate::relay_url::LocalRelays;
use crate::{EventRef, Kind, RelayUrl};

/// What the owner of a relay list uses a relay for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RelayUsage {
    /// Where others send what mentions the owner.
    Read,
    /// Where the owner publishes.
    Write,
    /// Both: the tag has no marker.
    ReadAndWrite,
}

/// One `r` tag of a relay list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayListEntry {
    /// The relay.
    pub url: RelayUrl,
    /// What it is used for.
    pub usage: RelayUsage,
}

/// The entries of a kind 10002 event in order; empty for other kinds. Tags whose value is no relay
/// URL are passed over; an unknown marker counts as none.
pub fn relay_list(event: &EventRef<'_>, local: LocalRelays) -> Vec<RelayListEntry> {
    if event.kind != Kind::RELAY_LIST {
        return Vec::new();
    }
    let entry = |tag: &Tag<'_>| {
        let [name, raw, marker @ ..] = tag.as_slice() else {
            return None;
        };
        let url = (name == "r").then(|| RelayUrl::parse_with(raw, local).ok())??;
        let usage = match marker.first().map(AsRef::as_ref) {
            Some("read") => RelayUsage::Read,
            Some("write") => RelayUsage::Write,
            _ => RelayUsage::ReadAndWrite,
        };
        Some(RelayListEntry { url, usage })
    };
    event.tags().iter().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_event::event;

    #[test]
    fn markers_are_read() {
        let tags: &[&[&str]] = &[
            &["r", "wss://a.com/"],
            &["r", "wss://b.com", "read"],
            &["r", "wss://c.com", "write"],
            &["r", "wss://d.com", ""],
            &["r", "https://e.com"],
            &["r"],
            &["p", "wss://f.com"],
        ];
        let list = relay_list(&event(10_002, tags, "").as_ref(), LocalRelays::Refused);
        let read: Vec<_> = list
            .iter()
            .map(|entry| (entry.url.host(), entry.usage))
            .collect();
        let expected = [
            ("a.com", RelayUsage::ReadAndWrite),
            ("b.com", RelayUsage::Read),
            ("c.com", RelayUsage::Write),
            ("d.com", RelayUsage::ReadAndWrite),
        ];
        assert_eq!(read, expected);
        let note = event(1, tags, "");
        assert!(relay_list(&note.as_ref(), LocalRelays::Refused).is_empty());
    }
}
