//! NIP-70 protected events.

use serde::Deserialize;

use crate::event::Tag;
use crate::{EventRef, Kind, tag_values};

/// What the escaped content of a repost holds when the event in it has the mark: a dash before a quote, or a dash
/// that is escaped itself. Most have neither, and need not be parsed.
const MARKS: [&str; 2] = [r#"-\""#, r#"\\u002"#];

/// Whether the author asked that nobody else publishes the event: a `["-"]` tag.
pub fn is_protected(tags: &[Tag<'_>]) -> bool {
    tag_values::has_tag(tags, "-")
}

/// Whether an event is a repost (NIP-18) that carries a protected event in its content.
pub fn reposts_protected(event: &EventRef<'_>) -> bool {
    #[derive(Deserialize)]
    struct Embedded {
        tags: Vec<Vec<String>>,
    }
    let is_repost = matches!(event.kind, Kind::REPOST | Kind::GENERIC_REPOST);
    if !is_repost || !MARKS.iter().any(|mark| event.content_json.contains(mark)) {
        return false;
    }
    let is_mark = |tag: &Vec<String>| tag.first().is_some_and(|name| name == "-");
    serde_json::from_str::<Embedded>(&event.content())
        .is_ok_and(|embedded| embedded.tags.iter().any(is_mark))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_event::event;

    #[test]
    fn the_dash_protects() {
        let protected = event(1, &[&["t", "x"], &["-"]], "");
        assert!(is_protected(&protected.as_ref().tags()));
        assert!(!is_protected(&event(1, &[&["t", "-"]], "").as_ref().tags()));
        for (kind, expected) in [(6, true), (16, true), (1, false)] {
            let repost = event(kind, &[], &protected.to_json());
            assert_eq!(reposts_protected(&repost.as_ref()), expected, "kind {kind}");
        }
        let escaped = r#"{"tags":[["\u002d"]]}"#;
        assert!(reposts_protected(&event(6, &[], escaped).as_ref()));
        assert!(!reposts_protected(&event(6, &[], "").as_ref()));
        assert!(!reposts_protected(
            &event(6, &[], &event(1, &[], "").to_json()).as_ref()
        ));
    }
}
