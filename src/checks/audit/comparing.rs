//! NIP-77: whether the relay compares sets, and finds the difference. The set is that of one second, in
//! which it has a note; ours is empty.

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use nips::nip77::{Difference, SyncSet};
use nips::{Event, EventId, Filter, Kind};

use super::exchange::Exchange;
use super::interview::Interview;
use super::verdict::Verdict;
use crate::net::RelayMessage;

/// The byte that an answer begins with, which is all of it where the relay speaks another version.
const OUR_VERSION: u8 = 0x61;
const FIRST_VERSION: u8 = 0x60;
const LAST_VERSION: u8 = 0x6f;

/// Longest message of ours, bytes; that for an empty set has a dozen.
const MAX_MESSAGE_BYTES: u64 = 30_000;

/// Compares the second of a note that the relay holds.
pub(super) async fn probe(interview: &mut Interview<'_>, known: Option<&Event>) -> Verdict {
    let Some(known) = known else {
        return Verdict::untestable("it has no text note to compare");
    };
    let filter = Filter {
        kinds: Some(vec![Kind::TEXT_NOTE]),
        since: Some(known.created_at()),
        until: Some(known.created_at()),
        ..Filter::default()
    };
    let Ok(first) = SyncSet::default().first_message(MAX_MESSAGE_BYTES) else {
        return Verdict::untestable("the comparison could not be begun");
    };
    let (id, hex) = (interview.unused_id(), HEXLOWER.encode(&first));
    let open = format!(r#"["NEG-OPEN","{id}",{},"{hex}"]"#, filter.to_json());
    let is_last = |message: &RelayMessage<'_>| match message {
        RelayMessage::NegMessage { sub, .. }
        | RelayMessage::NegError { sub, .. }
        | RelayMessage::Closed { sub, .. } => *sub == id,
        _ => false,
    };
    let exchange = interview.ask(vec![open], is_last).await;
    interview.hang_up_comparison(&id).await;
    judge(&exchange, &id, known.id())
}

fn judge(exchange: &Exchange, id: &str, known: EventId) -> Verdict {
    let answer = exchange.messages().find_map(|message| match message {
        RelayMessage::NegMessage { sub, hex } if sub == id => Some(hex.into_owned()),
        _ => None,
    });
    let Some(hex) = answer else {
        return match exchange.puzzlement(id) {
            Some(text) => Verdict::no(format!("does not know NEG-OPEN: {text}")),
            None => Verdict::untestable(exchange.shortfall(id)),
        };
    };
    let mut difference = Difference::default();
    let message = HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok();
    if let Some([version @ FIRST_VERSION..=LAST_VERSION]) = message.as_deref()
        && *version != OUR_VERSION
    {
        return Verdict::untestable("speaks another version of the protocol");
    }
    let compared = message
        .map(|message| SyncSet::default().compare(&message, MAX_MESSAGE_BYTES, &mut difference));
    match compared {
        _ if difference.missing_here.contains(&known) => {
            Verdict::yes("names the note that we left out")
        }
        Some(Ok(None)) => Verdict::no("finds no difference where there is one"),
        Some(Ok(Some(_))) => Verdict::untestable("the comparison takes more than one answer"),
        None | Some(Err(_)) => Verdict::no("answers with what is no message of the protocol"),
    }
}

#[cfg(test)]
mod tests {
    use nips::nip66::Observed;
    use nips::nip77::Element;

    use super::super::exchange::tests::{mumbled, said};
    use super::*;

    const KNOWN: EventId = EventId([7; 32]);

    fn answer(set: &SyncSet) -> String {
        let first = SyncSet::default().first_message(MAX_MESSAGE_BYTES).unwrap();
        let answer = set.answer(&first, MAX_MESSAGE_BYTES).unwrap();
        format!(r#"["NEG-MSG","n","{}"]"#, HEXLOWER.encode(&answer))
    }

    #[test]
    fn only_who_names_the_note_compares() {
        let held = SyncSet::new(vec![Element {
            created_at: 100,
            id: KNOWN,
        }]);
        let judge = |reply: &str| judge(&said(&[reply]), "n", KNOWN).observed;
        assert_eq!(judge(&answer(&held)), Observed::Yes);
        assert_eq!(judge(&answer(&SyncSet::default())), Observed::No);
        assert_eq!(judge(r#"["NEG-MSG","n","61"]"#), Observed::No);
        assert_eq!(judge(r#"["NEG-MSG","n","00ff"]"#), Observed::No);
        assert_eq!(judge(r#"["NEG-MSG","n","zz"]"#), Observed::No);
        assert_eq!(judge(r#"["NEG-MSG","n","62"]"#), Observed::Untestable);
        assert_eq!(judge(r#"["NEG-ERR","n","disabled"]"#), Observed::No);
        assert_eq!(
            judge(r#"["NEG-ERR","n","blocked: too big"]"#),
            Observed::Untestable
        );
    }

    #[test]
    fn silence_says_nothing() {
        let silent = super::judge(&mumbled(&[]), "n", KNOWN);
        assert_eq!(silent.observed, Observed::Untestable);
        let puzzled = mumbled(&[r#"["NOTICE","could not parse command"]"#]);
        assert_eq!(super::judge(&puzzled, "n", KNOWN).observed, Observed::No);
    }
}
