//! What consumers of relay discovery events (kind 30166, NIP-66) may ask for beyond others.
//!
//! They want all live relays in one answer, and find a relay whichever way its monitor wrote the end of
//! its URL.

use nips::{Filter, Kind};

/// Whether a filter asks for relay discovery events alone.
pub(super) fn is_discovery(filter: &Filter) -> bool {
    filter.kinds.as_deref() == Some(&[Kind::RELAY_DISCOVERY])
}

/// Adds to the `#d` of a filter for discovery events each URL with and without its last slash: monitors differ
/// in how they write the root of a relay.
pub(super) fn widen(filter: &mut Filter) {
    if !is_discovery(filter) {
        return;
    }
    if let Some(urls) = filter.tags.get_mut(&b'd') {
        let others: Vec<String> = urls.iter().filter_map(|url| other_form(url)).collect();
        urls.extend(others);
        urls.sort_unstable();
        urls.dedup();
    }
}

/// The root of a relay written the other way.
fn other_form(url: &str) -> Option<String> {
    let rest = url
        .strip_prefix("wss://")
        .or_else(|| url.strip_prefix("ws://"))?;
    match rest.strip_suffix('/') {
        Some(host) if !host.contains('/') => Some(url[..url.len() - 1].to_owned()),
        None if !rest.is_empty() && !rest.contains('/') => Some(format!("{url}/")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_looked_for_both_ways() {
        for (url, other) in [
            ("wss://relay.example.com", Some("wss://relay.example.com/")),
            ("wss://relay.example.com/", Some("wss://relay.example.com")),
            (
                "ws://relay.example.com:7777",
                Some("ws://relay.example.com:7777/"),
            ),
            ("wss://relay.example.com/path", None),
            ("wss://relay.example.com/path/", None),
            ("wss://", None),
            ("relay.example.com", None),
        ] {
            assert_eq!(other_form(url).as_deref(), other, "{url}");
        }
    }

    #[test]
    fn only_discovery_events_are_found_so() {
        let asked = |kinds: &str| {
            let json = format!(r##"{{"kinds":[{kinds}],"#d":["wss://relay.example.com"]}}"##);
            let mut filter = Filter::from_json(&json).unwrap();
            widen(&mut filter);
            filter.tags[&b'd'].len()
        };
        assert_eq!(
            (asked("30166"), asked("30023"), asked("30166,30023")),
            (2, 1, 1)
        );
    }
}
