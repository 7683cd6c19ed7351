//! Which relays an event names, and where in the event.
//!
//! The finder reads every archived event through [`named_by`]. What needs the network to be read
//! (NIP-05 documents, relay directories) is not here.

use std::collections::HashSet;

use serde::Deserialize;

use crate::event::Tag;
use crate::relay_url::LocalRelays;
use crate::{EventRef, Kind, RelayUrl, nip02, nip19};

/// Most relays taken from one event. The largest honest relay lists and contact lists name fewer;
/// an event made of URLs must not fill the candidate table.
pub const MAX_RELAYS_PER_EVENT: usize = 256;

/// A relay with the place that named it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NamedRelay {
    /// The relay.
    pub url: RelayUrl,
    /// Where it stood.
    pub source: Source,
}

/// A place in events that names relays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// `r` of a relay list (NIP-65).
    RelayList,
    /// `d` of a relay discovery or relay assertion event (NIP-66 and its neighbours).
    Discovery,
    /// `relay` of a list for direct messages (NIP-17).
    DirectMessageRelays,
    /// `relay` of another NIP-51 list: blocked, search, favourite, wiki relays and relay sets.
    RelayCollection,
    /// Content of kind 3 (NIP-02).
    Contacts,
    /// Content of kind 2, deprecated.
    Recommendation,
    /// `group` or `r` of a list of groups (NIP-29, NIP-51).
    Group,
    /// `relays` of a zap request, or of the one inside a zap receipt (NIP-57).
    Zap,
    /// `relays` of a git repository (NIP-34).
    Repository,
    /// `relay` or `relays` of any other kind.
    RelayTag,
    /// `r` of any other kind: a reference that happens to be a relay.
    Reference,
    /// The hint beside the value of an `e`, `a`, `p`, `q` or `h` tag, in either case.
    Hint,
    /// A NIP-19 entity in the content.
    Content,
}

impl Source {
    /// All sources, the most trustworthy first.
    pub const ALL: [Self; 13] = [
        Self::RelayList,
        Self::Discovery,
        Self::DirectMessageRelays,
        Self::RelayCollection,
        Self::Contacts,
        Self::Recommendation,
        Self::Group,
        Self::Zap,
        Self::Repository,
        Self::RelayTag,
        Self::Reference,
        Self::Hint,
        Self::Content,
    ];

    /// The stable label, for metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RelayList => "relay-list",
            Self::Discovery => "discovery",
            Self::DirectMessageRelays => "direct-message-relays",
            Self::RelayCollection => "relay-collection",
            Self::Contacts => "contacts",
            Self::Recommendation => "recommendation",
            Self::Group => "group",
            Self::Zap => "zap",
            Self::Repository => "repository",
            Self::RelayTag => "relay-tag",
            Self::Reference => "reference",
            Self::Hint => "hint",
            Self::Content => "content",
        }
    }

    /// Whether an author merely mentioned the relay in passing, which clients do mechanically and
    /// spammers at will, instead of listing it.
    pub fn is_hint(self) -> bool {
        matches!(self, Self::Reference | Self::Hint | Self::Content)
    }
}

/// The relays that an event names, each once under its most trustworthy source, at most
/// [`MAX_RELAYS_PER_EVENT`]. Values that are no relay URLs are passed over.
pub fn named_by(event: &EventRef<'_>, local: LocalRelays) -> Vec<NamedRelay> {
    let mut found = Vec::new();
    for tag in &event.tags() {
        read_tag(event.kind, tag, &mut found);
    }
    read_content(event, local, &mut found);
    found.sort_by_key(|(_, source)| *source);
    canonical(&found, local)
}

fn canonical(found: &[(String, Source)], local: LocalRelays) -> Vec<NamedRelay> {
    let mut seen = HashSet::new();
    found
        .iter()
        .filter_map(|(raw, source)| {
            let url = RelayUrl::parse_with(raw, local).ok()?;
            Some(NamedRelay {
                url,
                source: *source,
            })
        })
        .filter(|relay| seen.insert(relay.url.clone()))
        .take(MAX_RELAYS_PER_EVENT)
        .collect()
}

fn read_tag(kind: Kind, tag: &Tag<'_>, found: &mut Vec<(String, Source)>) {
    let Some((name, values)) = tag.split_first() else {
        return;
    };
    match name.as_ref() {
        "r" => found.extend(text_at(values, 0, source_of_r(kind))),
        "d" if is_about_a_relay(kind) => found.extend(text_at(values, 0, Source::Discovery)),
        "relay" => found.extend(text_at(values, 0, source_of_relay(kind))),
        "relays" => {
            let source = source_of_relays(kind);
            found.extend((0..values.len()).filter_map(|index| text_at(values, index, source)));
        }
        "group" => found.extend(text_at(values, 1, Source::Group)),
        "description" if kind == Kind::ZAP_RECEIPT => {
            let request = values.first().map_or("", AsRef::as_ref);
            found.extend(zap_request_relays(request));
        }
        "e" | "a" | "p" | "q" | "h" | "E" | "A" | "P" | "Q" => {
            found.extend(text_at(values, 1, Source::Hint));
        }
        _ => {}
    }
}

/// The value at an index, if it can be a relay URL at all: most hints are empty.
fn text_at(
    values: &[std::borrow::Cow<'_, str>],
    index: usize,
    source: Source,
) -> Option<(String, Source)> {
    let text = values.get(index)?;
    text.contains("://")
        .then(|| (text.clone().into_owned(), source))
}

fn source_of_r(kind: Kind) -> Source {
    match kind {
        Kind::RELAY_LIST => Source::RelayList,
        Kind(10_009) => Source::Group,
        _ => Source::Reference,
    }
}

fn source_of_relay(kind: Kind) -> Source {
    match kind.0 {
        10_050 => Source::DirectMessageRelays,
        10_006 | 10_007 | 10_012 | 10_102 | 30_002 => Source::RelayCollection,
        _ => Source::RelayTag,
    }
}

fn source_of_relays(kind: Kind) -> Source {
    match kind.0 {
        9734 => Source::Zap,
        30_617 => Source::Repository,
        _ => Source::RelayTag,
    }
}

/// Kinds whose `d` is a relay URL: NIP-66, its older draft, and relay trust scores.
fn is_about_a_relay(kind: Kind) -> bool {
    matches!(kind.0, 30_166 | 30_066 | 30_385)
}

/// The `relays` of the zap request that a receipt carries as JSON.
fn zap_request_relays(json: &str) -> Vec<(String, Source)> {
    #[derive(Deserialize)]
    struct ZapRequest {
        tags: Vec<Vec<String>>,
    }
    let tags = serde_json::from_str::<ZapRequest>(json).map_or_else(|_| Vec::new(), |zap| zap.tags);
    tags.into_iter()
        .filter(|tag| tag.first().is_some_and(|name| name == "relays"))
        .flat_map(|tag| tag.into_iter().skip(1))
        .map(|raw| (raw, Source::Zap))
        .collect()
}

fn read_content(event: &EventRef<'_>, local: LocalRelays, found: &mut Vec<(String, Source)>) {
    match event.kind {
        Kind::RECOMMEND_RELAY => found.push((event.content().into_owned(), Source::Recommendation)),
        Kind::CONTACTS => found.extend(
            nip02::contact_relays(event, local)
                .into_iter()
                .map(|relay| (relay.url.to_string(), Source::Contacts)),
        ),
        kind if kind.is_private() => {}
        _ => {
            let relays = nip19::relays_in(&event.content());
            found.extend(relays.into_iter().map(|raw| (raw, Source::Content)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_event::event;

    fn named(kind: u16, tags: &[&[&str]], content: &str) -> Vec<(String, Source)> {
        named_by(&event(kind, tags, content).as_ref(), LocalRelays::Refused)
            .into_iter()
            .map(|relay| (relay.url.to_string(), relay.source))
            .collect()
    }

    #[test]
    fn every_source_is_read() {
        let zap_request = event(9734, &[&["relays", "wss://a.com", "wss://a.com/"]], "").to_json();
        let nprofile = "nprofile1qqsrhuxx8l9ex335q7he0f09aej04zpazpl0ne2cgukyawd24mayt8gpp4mhxue69uhhytnc9e3k7mgpz4mhxue69uhkg6nzv9ejuumpv34kytnrdaksjlyr9p";
        let a = "wss://a.com/";
        let cases: [(u16, &[&[&str]], &str, Source); 23] = [
            (10_002, &[&["r", a, "read"]], "", Source::RelayList),
            (30_166, &[&["d", a]], "", Source::Discovery),
            (30_066, &[&["d", a]], "", Source::Discovery),
            (10_050, &[&["relay", a]], "", Source::DirectMessageRelays),
            (10_006, &[&["relay", a]], "", Source::RelayCollection),
            (10_007, &[&["relay", a]], "", Source::RelayCollection),
            (10_012, &[&["relay", a]], "", Source::RelayCollection),
            (10_102, &[&["relay", a]], "", Source::RelayCollection),
            (30_002, &[&["relay", a]], "", Source::RelayCollection),
            (3, &[], r#"{"wss://a.com":{}}"#, Source::Contacts),
            (2, &[], a, Source::Recommendation),
            (10_009, &[&["group", "id", a, "name"]], "", Source::Group),
            (10_009, &[&["r", a]], "", Source::Group),
            (9734, &[&["relays", a]], "", Source::Zap),
            (9735, &[&["description", &zap_request]], "", Source::Zap),
            (30_617, &[&["relays", a, a]], "", Source::Repository),
            (30_311, &[&["relays", a]], "", Source::RelayTag),
            (62, &[&["relay", a]], "", Source::RelayTag),
            (1, &[&["r", a]], "", Source::Reference),
            (1, &[&["e", "id", a, "root"]], "", Source::Hint),
            (3, &[&["p", "key", a]], "", Source::Hint),
            (31_989, &[&["a", "31990:key:d", a, "web"]], "", Source::Hint),
            (1311, &[&["a", "30311:key:d", a, "root"]], "", Source::Hint),
        ];
        for (kind, tags, content, source) in cases {
            let expected = [("wss://a.com".to_owned(), source)];
            assert_eq!(named(kind, tags, content), expected, "kind {kind} {tags:?}");
        }
        let in_content = named(1, &[], &format!("hi nostr:{nprofile}"));
        assert_eq!(in_content.len(), 2);
        assert!(
            in_content
                .iter()
                .all(|(_, source)| *source == Source::Content)
        );
        assert!(named(4, &[], nprofile).is_empty());
    }

    #[test]
    fn a_relay_is_named_once_by_its_best_source() {
        let tags: &[&[&str]] = &[
            &["e", "id", "WSS://A.com"],
            &["p", "key", "wss://b.com"],
            &["r", "wss://a.com/"],
            &["r", "https://web.example.com"],
            &["r", "ws://127.0.0.1"],
            &["e", "id", ""],
            &[],
            &["r"],
        ];
        let expected = [
            ("wss://a.com", Source::RelayList),
            ("wss://b.com", Source::Hint),
        ];
        let expected = expected.map(|(url, source)| (url.to_owned(), source));
        assert_eq!(named(10_002, tags, ""), expected);
    }

    #[test]
    fn one_event_names_a_bounded_number() {
        let urls: Vec<String> = (0..1000)
            .map(|index| format!("wss://r{index}.com"))
            .collect();
        let values: Vec<&str> = std::iter::once("relays")
            .chain(urls.iter().map(String::as_str))
            .collect();
        assert_eq!(named(30_617, &[&values], "").len(), MAX_RELAYS_PER_EVENT);
    }

    #[test]
    fn labels_are_distinct() {
        let labels: HashSet<_> = Source::ALL.into_iter().map(Source::as_str).collect();
        assert_eq!(labels.len(), Source::ALL.len());
    }
}
