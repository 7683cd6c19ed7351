//! Plain requests: whether the relay sends what was asked for (NIP-01), without a login where it says that
//! none is needed, and what it sends besides.

use nips::event::EventError;
use nips::nip40::Expiration;
use nips::{Event, Filter};

use super::exchange::Exchange;
use super::interview::Interview;
use super::verdict::Verdict;
use crate::net::{ClosedPrefix, RelayMessage};

/// Events of the first page: enough to be in an order.
const PAGE: usize = 5;

/// How long after its expiration an event may still be served, seconds: clocks differ, and relays sweep.
const EXPIRED_GRACE: u64 = 300;

/// What the first requests showed.
pub(super) struct Reading {
    /// The verdict on NIP-01.
    pub basics: Verdict,
    /// The first page, and the id of its subscription.
    pub page: (String, Exchange),
    /// Text notes that the relay holds, newest first.
    pub notes: Vec<Event>,
}

/// Asks for some notes, and for one of them by its id.
pub(super) async fn read(interview: &mut Interview<'_>) -> Reading {
    let filter = interview.notes(Some(PAGE));
    let (id, page) = interview.request(std::slice::from_ref(&filter)).await;
    let (basics, notes) = match judge_page(&page, &id, &filter) {
        Ok(notes) => (look_up(interview, notes.first()).await, notes),
        Err(verdict) => (verdict, Vec::new()),
    };
    Reading {
        basics,
        page: (id, page),
        notes,
    }
}

async fn look_up(interview: &mut Interview<'_>, known: Option<&Event>) -> Verdict {
    let Some(known) = known else {
        return Verdict::untestable("it has no text note to ask for");
    };
    let filter = Filter {
        ids: Some(vec![known.id()]),
        ..Filter::default()
    };
    let (id, found) = interview.request(std::slice::from_ref(&filter)).await;
    match judge_page(&found, &id, &filter) {
        Ok(events) if events.is_empty() => {
            Verdict::untestable("it does not find by its id what it just sent")
        }
        Ok(_) => Verdict::yes("filters, limit and order are what was asked for"),
        Err(verdict) => verdict,
    }
}

/// The events of an answer, or what is wrong with it.
fn judge_page(page: &Exchange, id: &str, filter: &Filter) -> Result<Vec<Event>, Verdict> {
    let mut events: Vec<Event> = Vec::new();
    for event in page.events(id) {
        match event {
            Ok(event) => events.push(event),
            Err(EventError::IdMismatch) => {
                return Err(Verdict::no("sent an event whose id is not its hash"));
            }
            // It may be our reading that is too strict.
            Err(error) => {
                let reason = format!("sent an event that cannot be read: {error}");
                return Err(Verdict::untestable(reason));
            }
        }
    }
    if !events
        .iter()
        .all(|event| filter.matches_fields(&event.as_ref()))
    {
        return Err(Verdict::no("sent an event that was not asked for"));
    }
    if events.len() > filter.limit.unwrap_or(usize::MAX) {
        let reason = "sent more events than the filter's limit";
        return Err(Verdict::no(reason).measuring(events.len()));
    }
    if !page.has_eose(id) {
        return Err(Verdict::untestable(page.shortfall(id)));
    }
    let is_ordered = events.is_sorted_by(|a, b| a.created_at() >= b.created_at());
    if !is_ordered {
        return Err(Verdict::no(
            "sent events in another order than newest first",
        ));
    }
    Ok(events)
}

/// `auth_required`: whether the first page came without a login.
pub(super) fn judge_auth(reading: &Reading, is_required: bool) -> Verdict {
    let (id, page) = &reading.page;
    let refused = page.closed(id);
    let is_refused = refused.is_some_and(|it| ClosedPrefix::of(&it) == ClosedPrefix::AuthRequired);
    let is_answered = page.has_eose(id);
    match (is_required, is_refused) {
        (true, true) => Verdict::yes("asks for authentication before it answers"),
        (true, false) if is_answered && !page.events(id).is_empty() => {
            Verdict::no("answers without authentication")
        }
        // NIP-11 allows to ask for it before some actions all the same.
        (false, true) => Verdict::untestable("asks for authentication before this answer"),
        (false, false) if is_answered => Verdict::yes("answers without authentication"),
        _ => Verdict::untestable(page.shortfall(id)),
    }
}

/// NIP-42: whether there was a challenge. Without one nothing is known, for a relay may send it only to
/// who wants something that needs it.
pub(super) fn judge_challenge(is_challenged: bool) -> Verdict {
    if is_challenged {
        Verdict::yes("sent a challenge")
    } else {
        Verdict::untestable("nothing that was asked needed authentication")
    }
}

/// NIP-67: whether EOSE says if it was all.
pub(super) fn judge_hint(reading: &Reading) -> Verdict {
    let (id, page) = &reading.page;
    let has_hint = page.messages().any(|message| {
        matches!(message, RelayMessage::Eose { sub, hint: Some(_) } if sub.as_ref() == id)
    });
    if has_hint {
        Verdict::yes("EOSE says whether it was all")
    } else {
        Verdict::untestable("EOSE did not say whether it was all")
    }
}

/// NIP-40: whether one of the events that it sent had expired before `now`.
pub(super) fn judge_expiration(sent: &[Event], now: u64) -> Verdict {
    let expired = sent.iter().filter(|event| {
        let expiration = Expiration::of(&event.as_ref().tags());
        expiration.is_past(now.saturating_sub(EXPIRED_GRACE))
    });
    match expired.count() {
        0 => Verdict::untestable("nothing that it sent had expired"),
        count => Verdict::no("sent events that had expired").measuring(count),
    }
}

#[cfg(test)]
mod tests {
    use nips::Kind;
    use nips::nip66::Observed;

    use super::super::exchange::tests::{mumbled, said};
    use super::super::note;
    use super::*;

    fn event(sub: &str, event: &Event) -> String {
        format!(r#"["EVENT","{sub}",{}]"#, event.to_json())
    }

    fn judged(replies: &[&str]) -> Result<usize, Observed> {
        let filter = Filter {
            kinds: Some(vec![Kind::TEXT_NOTE]),
            limit: Some(2),
            ..Filter::default()
        };
        let page = judge_page(&said(replies), "s", &filter);
        page.map(|it| it.len()).map_err(|it| it.observed)
    }

    #[test]
    fn a_page_is_held_against_its_filter() {
        let (old, new) = (note(Kind(1), 100, &[]), note(Kind(1), 200, &[]));
        let (old, new) = (event("s", &old), event("s", &new));
        let other = event("s", &note(Kind(7), 100, &[]));
        let forged = new.replace(r#""created_at":200"#, r#""created_at":201"#);
        let eose = r#"["EOSE","s"]"#;
        assert_eq!(judged(&[&new, &old, eose]), Ok(2));
        assert_eq!(judged(&[eose]), Ok(0));
        assert_eq!(judged(&[&old, &new, eose]), Err(Observed::No));
        assert_eq!(judged(&[&new, &old, &old, eose]), Err(Observed::No));
        assert_eq!(judged(&[&other, eose]), Err(Observed::No));
        assert_eq!(judged(&[&forged, eose]), Err(Observed::No));
        assert_eq!(judged(&[&new, &old]), Err(Observed::Untestable));
        assert_eq!(
            judged(&[r#"["EVENT","s",{}]"#, eose]),
            Err(Observed::Untestable)
        );
    }

    #[test]
    fn a_login_is_required_or_not() {
        let reading = |exchange| Reading {
            basics: Verdict::untestable(""),
            page: ("s".to_owned(), exchange),
            notes: Vec::new(),
        };
        let auth = |exchange, is_required| judge_auth(&reading(exchange), is_required).observed;
        let answered = event("s", &note(Kind(1), 100, &[]));
        let answered = said(&[&answered, r#"["EOSE","s"]"#]);
        let refused = said(&[r#"["CLOSED","s","auth-required: no"]"#]);
        assert_eq!(auth(answered.clone(), true), Observed::No);
        assert_eq!(auth(answered, false), Observed::Yes);
        assert_eq!(auth(refused.clone(), true), Observed::Yes);
        assert_eq!(auth(refused, false), Observed::Untestable);
        // It may keep everything from strangers without a word.
        let nothing = said(&[r#"["EOSE","s"]"#]);
        assert_eq!(auth(nothing, true), Observed::Untestable);
        assert_eq!(auth(mumbled(&[]), false), Observed::Untestable);
    }

    #[test]
    fn only_what_has_clearly_expired_counts() {
        let expiring = |at: u64| note(Kind(1), 100, &[&["expiration", &at.to_string()]]);
        let judge = |event| judge_expiration(&[event], 10_000).observed;
        assert_eq!(judge(expiring(9_000)), Observed::No);
        assert_eq!(judge(expiring(9_900)), Observed::Untestable);
        assert_eq!(judge(note(Kind(1), 100, &[])), Observed::Untestable);
    }
}
