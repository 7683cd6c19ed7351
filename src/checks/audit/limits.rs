//! Limits on requests: whether the relay keeps to what it states. Only limits that are small enough to be
//! passed without a burst are tried.

use nips::{EventId, Filter, Kind, PublicKey};

use super::exchange::{Ended, Exchange};
use super::interview::{Interview, json_of};
use super::verdict::Verdict;
use crate::net::RelayMessage;

/// Largest answer that is asked for, events.
const MAX_EVENTS: u64 = 500;

/// Most subscriptions or filters that are opened at once.
const MAX_AT_ONCE: u64 = 20;

/// Longest subscription id that is tried, characters; NIP-01 ends at 64.
const MAX_ID: u64 = 256;

/// Longest message that is tried, bytes.
const MAX_MESSAGE: u64 = 64 << 10;

/// Shortest limit on messages that is tried: below it ordinary requests are too long.
const MIN_MESSAGE: u64 = 1 << 10;

/// By how much a message is longer than the limit, bytes: relays count a little differently.
const EXCESS: u64 = 1 << 10;

/// Said of limits that are too large to be tried.
const TOO_LARGE: &str = "larger than anything that is asked for";

/// An answer whose length says something about a limit, and the events in it.
pub(super) struct Page {
    /// The verdict.
    pub verdict: Verdict,
    /// What came.
    pub events: Vec<nips::Event>,
}

/// `max_limit`: asks for one event more.
pub(super) async fn max_limit(interview: &mut Interview<'_>, stated: u64) -> Page {
    match usize::try_from(stated) {
        Ok(limit) if (1..=MAX_EVENTS).contains(&stated) => {
            page(interview, Some(limit + 1), limit).await
        }
        _ => Page {
            verdict: Verdict::untestable(TOO_LARGE),
            events: Vec::new(),
        },
    }
}

/// `default_limit`: asks without a limit.
pub(super) async fn default_limit(interview: &mut Interview<'_>, stated: u64) -> Page {
    match usize::try_from(stated) {
        Ok(limit) if (1..=MAX_EVENTS).contains(&stated) => page(interview, None, limit).await,
        _ => Page {
            verdict: Verdict::untestable(TOO_LARGE),
            events: Vec::new(),
        },
    }
}

async fn page(interview: &mut Interview<'_>, limit: Option<usize>, stated: usize) -> Page {
    let filter = interview.notes(limit);
    let (id, answer) = interview.request(&[filter]).await;
    let events: Vec<nips::Event> = answer.events(&id).into_iter().flatten().collect();
    let oldest = events.iter().map(nips::Event::created_at).min();
    let has_more = match oldest {
        Some(oldest) if events.len() == stated && answer.has_eose(&id) => {
            has_older(interview, oldest).await
        }
        _ => false,
    };
    let verdict = judge_page(&answer, &id, stated, has_more);
    Page { verdict, events }
}

/// Whether the relay has notes older than that. An answer that ends with its last note was not cut.
async fn has_older(interview: &mut Interview<'_>, oldest: u64) -> bool {
    let filter = Filter {
        until: Some(oldest.saturating_sub(1)),
        ..interview.notes(Some(1))
    };
    let (id, answer) = interview.request(&[filter]).await;
    answer.events(&id).iter().any(Result::is_ok)
}

fn judge_page(answer: &Exchange, id: &str, stated: usize, has_more: bool) -> Verdict {
    let sent = answer.events(id).len();
    let verdict = if sent > stated {
        Verdict::no("sends more events than it states")
    } else if !answer.has_eose(id) {
        Verdict::untestable(answer.shortfall(id))
    } else if sent == stated && has_more {
        Verdict::yes("stops at what it states, with more to send")
    } else {
        Verdict::untestable("has too few text notes, or stops before")
    };
    verdict.measuring(sent)
}

/// `max_subid_length`: opens a subscription whose id is one character longer.
pub(super) async fn max_subid_length(interview: &mut Interview<'_>, stated: u64) -> Verdict {
    let Some(length) = usize::try_from(stated).ok().filter(|_| stated <= MAX_ID) else {
        return Verdict::untestable(TOO_LARGE);
    };
    let mut id = interview.unused_id();
    if length < id.len() {
        return Verdict::untestable("every id of ours is longer");
    }
    while id.len() <= length {
        id.push('x');
    }
    let answer = interview.request_as(&id, &[json_of(&[unknown()])]).await;
    judge_excess(&answer, &id)
}

/// `max_filters`: as many filters as stated, then one more.
pub(super) async fn max_filters(interview: &mut Interview<'_>, stated: u64) -> Verdict {
    if !(1..=MAX_AT_ONCE).contains(&stated) {
        return Verdict::untestable(TOO_LARGE);
    }
    let filters: Vec<Filter> = (0..=stated).map(|_| unknown()).collect();
    let (id, answer) = interview.request(&filters[1..]).await;
    if !answer.has_eose(&id) {
        return Verdict::untestable(answer.shortfall(&id));
    }
    let (id, answer) = interview.request(&filters).await;
    judge_excess(&answer, &id)
}

/// `max_message_length`: a request that is filled up with spaces to half of it, then one beyond it.
pub(super) async fn max_message_length(interview: &mut Interview<'_>, stated: u64) -> Verdict {
    if !(MIN_MESSAGE..=MAX_MESSAGE).contains(&stated) {
        return Verdict::untestable("not of a length that is tried");
    }
    let id = interview.unused_id();
    let answer = interview.request_as(&id, &[padded(stated / 2)]).await;
    if !answer.has_eose(&id) {
        return Verdict::untestable(answer.shortfall(&id));
    }
    let id = interview.unused_id();
    let answer = interview.request_as(&id, &[padded(stated + EXCESS)]).await;
    if answer.ended == Ended::Disconnected {
        return Verdict::yes("hangs up on what is longer");
    }
    judge_excess(&answer, &id)
}

/// `max_subscriptions`: opens one more, all of them side by side.
pub(super) async fn max_subscriptions(interview: &mut Interview<'_>, stated: u64) -> Verdict {
    if !(1..=MAX_AT_ONCE).contains(&stated) {
        return Verdict::untestable(TOO_LARGE);
    }
    let ids: Vec<String> = (0..=stated).map(|_| interview.unused_id()).collect();
    let requests = ids.iter().map(|id| {
        let filter = live();
        format!(r#"["REQ","{id}",{}]"#, filter.to_json())
    });
    let mut answered = 0;
    let is_last = |message: &RelayMessage<'_>| {
        let sub = match message {
            RelayMessage::Eose { sub, .. } | RelayMessage::Closed { sub, .. } => sub,
            _ => return false,
        };
        answered += usize::from(ids.iter().any(|id| id == sub));
        answered == ids.len()
    };
    let answer = interview.ask(requests.collect(), is_last).await;
    for id in &ids {
        interview.hang_up(id);
    }
    judge_subscriptions(&answer, &ids)
}

fn judge_subscriptions(answer: &Exchange, ids: &[String]) -> Verdict {
    let is_open = |id: &&String| answer.has_eose(id) && answer.closed(id).is_none();
    let open = ids.iter().filter(is_open).count();
    let objection = ids.iter().find_map(|id| answer.objection(id));
    let was_closed = ids.iter().any(|id| answer.closed(id).is_some());
    let verdict = if open == ids.len() {
        Verdict::no("keeps more subscriptions open than it states")
    } else if open + 1 == ids.len() && (objection.is_some() || was_closed) {
        Verdict::yes("refuses one more, or closes another")
    } else {
        Verdict::untestable(answer.shortfall(&ids[0]))
    };
    verdict.measuring(open)
}

/// What became of a request that passes a limit; others were answered.
fn judge_excess(answer: &Exchange, id: &str) -> Verdict {
    if answer.has_eose(id) {
        return Verdict::no("takes more than it states");
    }
    let refused = answer.objection(id).or_else(|| cut_short(answer, id));
    match refused {
        Some(text) => Verdict::yes(format!("refuses more: {text}")),
        None => Verdict::untestable(answer.shortfall(id)),
    }
}

/// The refusal of an id that is too long to be repeated.
fn cut_short(answer: &Exchange, id: &str) -> Option<String> {
    answer.messages().find_map(|message| match message {
        RelayMessage::Closed { sub, .. } if id.starts_with(&*sub) => answer.objection(&sub),
        _ => None,
    })
}

/// An event that nobody has.
fn unknown() -> Filter {
    Filter {
        ids: Some(vec![EventId(rand::random())]),
        ..Filter::default()
    }
}

/// Somebody who writes nothing. A relay cannot know that no event will ever come, as it can of an id.
fn live() -> Filter {
    Filter {
        authors: Some(vec![PublicKey(rand::random())]),
        kinds: Some(vec![Kind::TEXT_NOTE]),
        limit: Some(1),
        ..Filter::default()
    }
}

/// The end of a request that makes it as long as that, or as it is.
fn padded(length: u64) -> String {
    // `["REQ","`, an id, `",` and the bracket behind.
    let around = 40;
    let filter = unknown().to_json();
    let spaces = usize::try_from(length).unwrap_or(0);
    let spaces = spaces.saturating_sub(around + filter.len());
    format!("{filter}{}", " ".repeat(spaces))
}

#[cfg(test)]
mod tests {
    use nips::nip66::Observed;

    use super::super::exchange::tests::{mumbled, said};
    use super::super::note;
    use super::*;

    fn sent(count: u64, has_eose: bool) -> Exchange {
        let event = |at| note(Kind(1), 1_000 - at, &[]).to_json();
        let events = (0..count).map(|at| format!(r#"["EVENT","s",{}]"#, event(at)));
        let eose = has_eose.then(|| r#"["EOSE","s"]"#.to_owned());
        let replies: Vec<String> = events.chain(eose).collect();
        let replies: Vec<&str> = replies.iter().map(String::as_str).collect();
        said(&replies)
    }

    #[test]
    fn a_limit_is_kept_only_where_there_is_more_to_send() {
        let judge = |count, has_eose, has_more| {
            let verdict = judge_page(&sent(count, has_eose), "s", 3, has_more);
            assert_eq!(verdict.measured, Some(count));
            verdict.observed
        };
        assert_eq!(judge(4, true, false), Observed::No);
        assert_eq!(judge(4, false, false), Observed::No);
        assert_eq!(judge(3, true, true), Observed::Yes);
        assert_eq!(judge(3, true, false), Observed::Untestable);
        assert_eq!(judge(3, false, true), Observed::Untestable);
        assert_eq!(judge(0, true, false), Observed::Untestable);
    }

    #[test]
    fn what_passes_a_limit_is_taken_or_refused() {
        for (reply, observed) in [
            (r#"["EOSE","s"]"#, Observed::No),
            (r#"["CLOSED","s","invalid: too long"]"#, Observed::Yes),
            (r#"["NOTICE","subscription id too long"]"#, Observed::Yes),
            (r#"["CLOSED","s","rate-limited: no"]"#, Observed::Untestable),
            (r#"["CLOSED","s","restricted: no"]"#, Observed::Untestable),
        ] {
            assert_eq!(
                judge_excess(&said(&[reply]), "s").observed,
                observed,
                "{reply}"
            );
        }
        let silent = judge_excess(&mumbled(&[]), "s");
        assert_eq!(silent.observed, Observed::Untestable);
        let cut = said(&[r#"["CLOSED","long","error: id too long"]"#]);
        assert_eq!(judge_excess(&cut, "longer").observed, Observed::Yes);
    }

    #[test]
    fn subscriptions_are_counted() {
        let ids = ["a", "b"].map(str::to_owned);
        let judge = |exchange: Exchange| judge_subscriptions(&exchange, &ids).observed;
        let (a, b) = (r#"["EOSE","a"]"#, r#"["EOSE","b"]"#);
        assert_eq!(judge(said(&[a, b])), Observed::No);
        let refused = r#"["CLOSED","b","error: too many"]"#;
        assert_eq!(judge(said(&[a, refused])), Observed::Yes);
        let replaced = r#"["CLOSED","a",""]"#;
        assert_eq!(judge(said(&[a, replaced, b])), Observed::Yes);
        let told = r#"["NOTICE","too many subscriptions"]"#;
        assert_eq!(judge(mumbled(&[a, told])), Observed::Yes);
        assert_eq!(judge(mumbled(&[a])), Observed::Untestable);
        let neither = [refused, r#"["CLOSED","a","error: no"]"#];
        assert_eq!(judge(said(&neither)), Observed::Untestable);
    }

    #[test]
    fn padding_has_the_length_that_is_asked_for() {
        let message = format!(r#"["REQ","{}",{}]"#, "0".repeat(19), padded(5_000));
        assert!(
            (4_900..=5_000).contains(&message.len()),
            "{}",
            message.len()
        );
    }
}
