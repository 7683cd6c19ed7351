//! Claims about writing, where the operator allows to write: a note that nobody displays (kind 30078),
//! which expires within minutes and is deleted at the end, and some that a relay should not take.

use nips::nip66::{Claim, Limit};
use nips::{Event, Filter, Kind, nip13};

use super::exchange::Exchange;
use super::interview::Interview;
use super::verdict::Verdict;
use super::{Claims, Signing};
use crate::net::{ClosedPrefix, RelayMessage};

/// Arbitrary data of an application (NIP-78).
const KIND: Kind = Kind(30_078);

/// How long what was written may stay where deletion does not work, seconds.
const LIFETIME: u64 = 600;

/// How long ago the note that has expired did, seconds.
const EXPIRED: u64 = 3_600;

/// By how much a time is beyond a limit, seconds: clocks differ.
const EXCESS: u64 = 900;

/// Limits on times beyond this are no limits that can be tried, seconds.
const MAX_TIME: u64 = 10 * 365 * 86_400;

/// Words of relays that want to be paid.
const MONEY: [&str; 5] = ["pay", "paid", "invoice", "subscri", "admission"];

/// What a relay said to an event.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Receipt {
    Taken,
    Refused(String),
    Unknown(String),
}

/// Writes, looks what became of it, and deletes it.
pub(super) async fn probe(
    interview: &mut Interview<'_>,
    claims: &mut Claims,
    signing: &Signing<'_>,
) {
    let mut writer = Writer {
        interview,
        signing,
        written: Vec::new(),
    };
    let plain = writer.note("plain", signing.now, &[]);
    let receipt = writer.write(&plain).await;
    judge_conditions(claims, &receipt, &plain);
    if receipt != Receipt::Taken {
        return;
    }
    writer.times(claims).await;
    writer.protected(claims).await;
    if writer.is_served(&plain).await == Some(true) {
        writer.expired(claims).await;
        writer.deletion(claims, &plain).await;
    } else {
        writer.delete_all().await;
    }
}

struct Writer<'w, 's> {
    interview: &'w mut Interview<'s>,
    signing: &'w Signing<'w>,
    /// What the relay has taken.
    written: Vec<Event>,
}

impl Writer<'_, '_> {
    /// A note of ours, each with a place of its own, so that none supersedes another.
    fn note(&self, name: &str, created_at: u64, more: &[&[&str]]) -> Event {
        let lasts = (self.signing.now + LIFETIME).to_string();
        let identifier = format!("bigbrotr-audit-{name}");
        let mut tags = vec![vec!["d".to_owned(), identifier]];
        for tag in more {
            tags.push(tag.iter().map(|it| (*it).to_owned()).collect());
        }
        if !tags.iter().any(|tag| tag[0] == "expiration") {
            tags.push(vec!["expiration".to_owned(), lasts]);
        }
        (self.signing.sign)(created_at, KIND, tags)
    }

    async fn write(&mut self, event: &Event) -> Receipt {
        let id = event.id();
        let message = format!(r#"["EVENT",{}]"#, event.to_json());
        let is_last = |message: &RelayMessage<'_>| matches!(message, RelayMessage::Ok { id: of, .. } if *of == id);
        let exchange = self.interview.ask(vec![message], is_last).await;
        let receipt = receipt(&exchange, event);
        if receipt == Receipt::Taken {
            self.written.push(event.clone());
        }
        receipt
    }

    /// Whether the relay sends an event back; `None` where it does not say.
    async fn is_served(&mut self, event: &Event) -> Option<bool> {
        let filter = Filter {
            ids: Some(vec![event.id()]),
            ..Filter::default()
        };
        let (id, answer) = self.interview.request(&[filter]).await;
        let is_there = answer.events(&id).contains(&Ok(event.clone()));
        (is_there || answer.has_eose(&id)).then_some(is_there)
    }

    /// `created_at_lower_limit` and `created_at_upper_limit`.
    async fn times(&mut self, claims: &mut Claims) {
        let now = self.signing.now;
        for limit in [Limit::CreatedAtLowerLimit, Limit::CreatedAtUpperLimit] {
            let claim = Claim::Limit(limit);
            let Some(seconds) = claims.number(limit).filter(|it| *it <= MAX_TIME) else {
                continue;
            };
            let created_at = if limit == Limit::CreatedAtLowerLimit {
                now.saturating_sub(seconds + EXCESS)
            } else {
                now + seconds + EXCESS
            };
            let note = self.note(limit.as_str(), created_at, &[]);
            let receipt = self.write(&note).await;
            claims.judge(claim, || judge_unwanted(&receipt));
        }
    }

    /// NIP-70.
    async fn protected(&mut self, claims: &mut Claims) {
        if claims.has(Claim::Nip(70)) {
            let note = self.note("protected", self.signing.now, &[&["-"]]);
            let receipt = self.write(&note).await;
            claims.judge(Claim::Nip(70), || judge_unwanted(&receipt));
        }
    }

    /// NIP-40, once more: something that has expired already.
    async fn expired(&mut self, claims: &mut Claims) {
        if !claims.has(Claim::Nip(40)) {
            return;
        }
        let past = (self.signing.now.saturating_sub(EXPIRED)).to_string();
        let note = self.note("expired", self.signing.now, &[&["expiration", &past]]);
        let verdict = match self.write(&note).await {
            Receipt::Taken => match self.is_served(&note).await {
                Some(true) => Verdict::no("serves a note that had expired"),
                Some(false) => Verdict::yes("does not serve a note that had expired"),
                None => Verdict::untestable("does not say whether it serves the note"),
            },
            Receipt::Refused(text) if is_about_another_matter(&text) => {
                Verdict::untestable(format!("refuses the note: {text}"))
            }
            Receipt::Refused(text) => Verdict::yes(format!("refuses what has expired: {text}")),
            Receipt::Unknown(reason) => Verdict::untestable(reason),
        };
        claims.judge(Claim::Nip(40), || verdict);
    }

    /// NIP-09: what is deleted is no longer served.
    async fn deletion(&mut self, claims: &mut Claims, plain: &Event) {
        let verdict = match self.delete_all().await {
            Receipt::Taken => match self.is_served(plain).await {
                Some(true) => Verdict::no("serves what its author has deleted"),
                Some(false) => Verdict::yes("does not serve what its author has deleted"),
                None => Verdict::untestable("does not say whether it serves the note"),
            },
            Receipt::Refused(text) => Verdict::untestable(format!("takes no deletion: {text}")),
            Receipt::Unknown(reason) => Verdict::untestable(reason),
        };
        claims.judge(Claim::Nip(9), || verdict);
    }

    /// Asks for the deletion of everything that was taken, whether or not the relay claims to delete.
    async fn delete_all(&mut self) -> Receipt {
        let ids = self.written.iter().map(|event| event.id().to_hex());
        let mut tags: Vec<Vec<String>> = ids.map(|id| vec!["e".to_owned(), id]).collect();
        tags.push(vec!["k".to_owned(), KIND.to_string()]);
        let deletion = (self.signing.sign)(self.signing.now, Kind::DELETION, tags);
        self.write(&deletion).await
    }
}

fn receipt(exchange: &Exchange, event: &Event) -> Receipt {
    let answer = exchange.messages().find_map(|message| match message {
        RelayMessage::Ok {
            id,
            accepted,
            message,
        } if id == event.id() => Some((accepted, message)),
        _ => None,
    });
    match answer {
        Some((true, _)) => Receipt::Taken,
        Some((false, message)) => Receipt::Refused(message),
        None => Receipt::Unknown(exchange.shortfall("")),
    }
}

/// What the first note says about the conditions of writing.
fn judge_conditions(claims: &mut Claims, receipt: &Receipt, plain: &Event) {
    if let Some(bits) = claims.number(Limit::MinPowDifficulty) {
        let has_by_luck = u64::from(nip13::difficulty(&plain.id()));
        let claim = Claim::Limit(Limit::MinPowDifficulty);
        claims.judge(claim, || judge_work(receipt, bits, has_by_luck));
    }
    if let Some(is_required) = claims.flag(Limit::PaymentRequired) {
        claims.judge(Claim::Limit(Limit::PaymentRequired), || {
            judge_condition(receipt, is_required, is_about_money)
        });
    }
    if let Some(is_restricted) = claims.flag(Limit::RestrictedWrites) {
        claims.judge(Claim::Limit(Limit::RestrictedWrites), || {
            judge_restriction(receipt, is_restricted)
        });
    }
}

/// `min_pow_difficulty`. An id has some bits without any work.
fn judge_work(receipt: &Receipt, bits: u64, has_by_luck: u64) -> Verdict {
    if bits > 0 && has_by_luck >= bits {
        return Verdict::untestable("the note happened to have the work");
    }
    judge_condition(receipt, bits > 0, is_about_work)
}

/// `restricted_writes`. Which condition there is a relay need not say, so that one who takes the note may
/// have one that the note meets; and who blocks it may take it for spam.
fn judge_restriction(receipt: &Receipt, is_restricted: bool) -> Verdict {
    let is_spam = |text: &str| ClosedPrefix::of(text) == ClosedPrefix::Blocked;
    match receipt {
        Receipt::Taken if is_restricted => {
            Verdict::untestable("takes the note, which may meet the condition")
        }
        Receipt::Refused(text) if !is_restricted && is_spam(text) => {
            Verdict::untestable(format!("refuses the note: {text}"))
        }
        _ => judge_condition(receipt, is_restricted, is_about_standing),
    }
}

fn judge_condition(receipt: &Receipt, is_required: bool, is_about: fn(&str) -> bool) -> Verdict {
    match (receipt, is_required) {
        (Receipt::Taken, true) => Verdict::no("takes a note that does not meet it"),
        (Receipt::Taken, false) => Verdict::yes("takes a note that does not meet it"),
        (Receipt::Refused(text), _) if !is_about(text) => {
            Verdict::untestable(format!("refuses the note: {text}"))
        }
        (Receipt::Refused(text), true) => Verdict::yes(format!("refuses the note: {text}")),
        (Receipt::Refused(text), false) => Verdict::no(format!("refuses the note: {text}")),
        (Receipt::Unknown(reason), _) => Verdict::untestable(reason),
    }
}

/// A note that should not be taken, while the plain one was.
fn judge_unwanted(receipt: &Receipt) -> Verdict {
    match receipt {
        Receipt::Taken => Verdict::no("takes the note"),
        Receipt::Refused(text) if is_about_another_matter(text) => {
            Verdict::untestable(format!("refuses the note: {text}"))
        }
        Receipt::Refused(text) => Verdict::yes(format!("refuses the note: {text}")),
        Receipt::Unknown(reason) => Verdict::untestable(reason),
    }
}

/// Refusals that have nothing to do with what is in the note.
fn is_about_another_matter(text: &str) -> bool {
    matches!(
        ClosedPrefix::of(text),
        ClosedPrefix::Duplicate
            | ClosedPrefix::Error
            | ClosedPrefix::Pow
            | ClosedPrefix::RateLimited
    )
}

fn is_about_work(text: &str) -> bool {
    ClosedPrefix::of(text) == ClosedPrefix::Pow
}

fn is_about_money(text: &str) -> bool {
    let text = text.to_lowercase();
    MONEY.iter().any(|word| text.contains(word))
}

/// Any condition that concerns who writes.
fn is_about_standing(text: &str) -> bool {
    let prefix = ClosedPrefix::of(text);
    is_about_money(text)
        || matches!(
            prefix,
            ClosedPrefix::AuthRequired
                | ClosedPrefix::Blocked
                | ClosedPrefix::Pow
                | ClosedPrefix::Restricted
        )
}

#[cfg(test)]
mod tests {
    use nips::nip66::Observed;

    use super::*;

    #[test]
    fn conditions_are_met_or_not() {
        let refused = |text: &str| Receipt::Refused(text.to_owned());
        let pow = |receipt: Receipt, bits| judge_work(&receipt, bits, 2).observed;
        assert_eq!(pow(Receipt::Taken, 8), Observed::No);
        assert_eq!(pow(Receipt::Taken, 2), Observed::Untestable);
        assert_eq!(pow(Receipt::Taken, 0), Observed::Yes);
        assert_eq!(pow(refused("pow: 25 is less than 30"), 30), Observed::Yes);
        assert_eq!(pow(refused("pow: 0 is less than 8"), 0), Observed::No);
        assert_eq!(pow(refused("blocked: spam"), 8), Observed::Untestable);
        let money = |text| judge_condition(&refused(text), true, is_about_money).observed;
        assert_eq!(money("restricted: please pay first"), Observed::Yes);
        assert_eq!(money("restricted: members only"), Observed::Untestable);
        let standing = |text, is| judge_restriction(&refused(text), is).observed;
        assert_eq!(standing("restricted: members only", true), Observed::Yes);
        assert_eq!(standing("restricted: members only", false), Observed::No);
        assert_eq!(standing("blocked: spam", true), Observed::Yes);
        assert_eq!(standing("blocked: spam", false), Observed::Untestable);
        assert_eq!(standing("invalid: kind", true), Observed::Untestable);
        let taken = |is| judge_restriction(&Receipt::Taken, is).observed;
        assert_eq!(
            (taken(true), taken(false)),
            (Observed::Untestable, Observed::Yes)
        );
    }

    #[test]
    fn what_should_not_be_taken_is_refused_or_not() {
        let refused = |text: &str| judge_unwanted(&Receipt::Refused(text.to_owned())).observed;
        assert_eq!(judge_unwanted(&Receipt::Taken).observed, Observed::No);
        assert_eq!(refused("auth-required: protected"), Observed::Yes);
        assert_eq!(refused("rate-limited: later"), Observed::Untestable);
        assert_eq!(refused("error: no room"), Observed::Untestable);
        let unknown = judge_unwanted(&Receipt::Unknown(String::new()));
        assert_eq!(unknown.observed, Observed::Untestable);
    }
}
