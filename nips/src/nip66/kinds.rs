//! Which kinds a relay takes and which it refuses (`k`), as far as there is evidence.
//!
//! There is evidence in what a relay holds, in what it says that it keeps, and in its answer to a probe. Where it
//! holds what it says it does not keep, nothing is said: it may have changed its mind, or speak of something else.

use std::collections::BTreeSet;

use super::rtt::{Phase, Rtt};
use crate::Kind;
use crate::nip11::{RelayInformation, Retention};

/// Most kinds said to be taken, and most said to be refused: relays that name more name ranges of thousands.
const MAX_KINDS: usize = 64;

/// The prefixes with which a relay says that it does not want an event, whoever writes it next time.
const REFUSING: [&str; 4] = ["blocked", "invalid", "restricted", "unsupported"];

/// Kinds that a relay takes and kinds that it refuses, ascending, none in both.
pub(super) fn observed(
    rtt: &Rtt,
    information: Option<&RelayInformation>,
    held: &[u16],
) -> (Vec<u16>, Vec<u16>) {
    let retention = information.map_or(&[][..], |it| &it.retention);
    let mut accepted: BTreeSet<u16> = held.iter().copied().take(MAX_KINDS).collect();
    let mut refused = BTreeSet::new();
    for entry in retention {
        match keeps(entry) {
            Some(true) => accepted.extend(named(entry)),
            Some(false) => refused.extend(named(entry)),
            None => {}
        }
    }
    match &rtt.write {
        Phase::Took(_) => {
            accepted.insert(Kind::WRITE_PROBE.0);
        }
        Phase::Refused(message) if is_about_kinds(message) => {
            refused.insert(Kind::WRITE_PROBE.0);
        }
        Phase::Refused(_) | Phase::NotTried | Phase::Failed(_) => {}
    }
    let only = |of: &BTreeSet<u16>, other: &BTreeSet<u16>| -> Vec<u16> {
        of.difference(other).copied().take(MAX_KINDS).collect()
    };
    (only(&accepted, &refused), only(&refused, &accepted))
}

/// Whether a relay says that it keeps what an entry is about; `None` when it does not say.
fn keeps(entry: &Retention) -> Option<bool> {
    match (entry.time, entry.count) {
        (Some(0), _) | (_, Some(0)) => Some(false),
        (None, None) => None,
        _ => Some(true),
    }
}

/// The kinds that an entry names. A range of thousands is about a class of events, and left out.
fn named(entry: &Retention) -> impl Iterator<Item = u16> {
    let short = entry
        .kinds
        .iter()
        .filter(|(first, last)| usize::from(last.saturating_sub(*first)) < MAX_KINDS);
    short.flat_map(|(first, last)| *first..=*last)
}

/// Whether a refusal has to do with the kind of the event, and not with who wrote it or how often.
fn is_about_kinds(message: &str) -> bool {
    let message = message.trim().to_ascii_lowercase();
    let Some((prefix, text)) = message.split_once(':') else {
        return false;
    };
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    REFUSING.contains(&prefix) && words.any(|word| matches!(word, "kind" | "kinds"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with_retention(retention: &serde_json::Value) -> RelayInformation {
        RelayInformation::from_value(&json!({ "retention": retention })).unwrap()
    }

    fn written(write: Phase) -> Rtt {
        Rtt {
            write,
            ..Rtt::default()
        }
    }

    #[test]
    fn nothing_is_known_of_a_relay_that_shows_nothing() {
        let nothing = (Vec::new(), Vec::new());
        assert_eq!(observed(&Rtt::default(), None, &[]), nothing);
        // What is kept of everything, and ranges of thousands, say nothing about one kind.
        let vague = with_retention(&json!([{"time": 0}, {"count": 9}, {"kinds": [4]},
            {"kinds": [[20_000, 29_999]], "time": 0}, {"kinds": [[9, 3]], "time": 0}]));
        assert_eq!(observed(&Rtt::default(), Some(&vague), &[]), nothing);
    }

    #[test]
    fn what_a_relay_holds_and_what_it_says_it_keeps_is_taken() {
        let said = with_retention(&json!([{"kinds": [0, [5, 7]], "time": null, "count": 100},
            {"kinds": [4, [40, 42]], "time": 0}, {"kinds": [1059], "count": 0}]));
        let (accepted, refused) = observed(&Rtt::default(), Some(&said), &[1, 30_023]);
        assert_eq!(accepted, [0, 1, 5, 6, 7, 30_023]);
        assert_eq!(refused, [4, 40, 41, 42, 1059]);
    }

    #[test]
    fn where_what_is_held_and_what_is_said_differ_nothing_is_said() {
        let said = with_retention(&json!([{"kinds": [1, 4], "time": 0}]));
        let (accepted, refused) = observed(&Rtt::default(), Some(&said), &[1, 7]);
        assert_eq!((accepted, refused), (vec![7], vec![4]));
    }

    #[test]
    fn the_answer_to_a_probe_is_about_its_kind_only_if_it_says_so() {
        let probe = Kind::WRITE_PROBE.0;
        let of = |write| observed(&written(write), None, &[]);
        assert_eq!(of(Phase::Took(9)), (vec![probe], Vec::new()));
        for (message, is_refused) in [
            ("blocked: event kind not allowed", true),
            ("invalid: kinds 1 and 7 only", true),
            ("rate-limited: too many of this kind", false),
            ("restricted: members only", false),
            ("kind 22456 not allowed", false),
        ] {
            let refused = if is_refused { vec![probe] } else { Vec::new() };
            let expected = (Vec::new(), refused);
            assert_eq!(
                of(Phase::Refused(message.to_owned())),
                expected,
                "{message}"
            );
        }
    }

    #[test]
    fn there_are_never_more_than_somebody_would_read() {
        let held: Vec<u16> = (0..1_000).collect();
        assert_eq!(observed(&Rtt::default(), None, &held).0.len(), MAX_KINDS);
    }
}
