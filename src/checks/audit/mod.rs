//! Whether a relay does what its information document claims: a few small questions over the connection
//! that is open anyway, each answer held against one claim.
//!
//! A verdict is yes or no only where what came shows it; everything else is untestable, with the reason.
//! Nothing is written unless somebody signs. To add a probe: a function that asks in an interview, a
//! pure one beside it that judges the exchange, and a line in [`audit`].

mod comparing;
mod counting;
mod exchange;
mod interview;
mod limits;
mod reading;
mod searching;
mod transcript;
mod verdict;
mod writing;

use std::collections::HashMap;
use std::time::Duration;

use nips::nip11::RelayInformation;
use nips::nip66::{Claim, ClaimAudit, ClaimFinding, Limit, Observed, Stated};
use nips::{Event, Kind};
use tokio::time::Instant;

use crate::net::Session;
use interview::Interview;
use verdict::Verdict;

/// Who writes, and when.
pub struct Signing<'a> {
    /// Signs what is dated so, of this kind, with these tags.
    pub sign: &'a (dyn Fn(u64, Kind, Vec<Vec<String>>) -> Event + Sync),
    /// Unix seconds.
    pub now: u64,
}

/// How a relay is asked.
pub struct AuditOptions<'a> {
    /// When it ends, finished or not.
    pub deadline: Instant,
    /// Time between an answer and the next question.
    pub pause: Duration,
    /// The time, unix seconds.
    pub now: u64,
    /// Who writes; `None` to write nothing.
    pub signing: Option<Signing<'a>>,
}

/// Holds a relay against the document that it serves.
pub async fn audit(
    session: &mut Session,
    information: &RelayInformation,
    options: AuditOptions<'_>,
) -> ClaimAudit {
    let mut claims = Claims::of(information);
    if claims.stated.is_empty() {
        return ClaimAudit::default();
    }
    let mut interview = Interview::new(session, &options);
    let mut sent = read(&mut interview, &mut claims).await;
    sent.extend(hold_to_limits(&mut interview, &mut claims).await);
    claims.judge(Claim::Nip(11), || Verdict::yes("serves the document"));
    claims.judge(Claim::Nip(40), || {
        reading::judge_expiration(&sent, options.now)
    });
    if let Some(signing) = &options.signing {
        writing::probe(&mut interview, &mut claims, signing).await;
    }
    // Relays hang up on what is too long.
    if let Some(stated) = claims.number(Limit::MaxMessageLength) {
        let verdict = limits::max_message_length(&mut interview, stated).await;
        claims.judge(Claim::Limit(Limit::MaxMessageLength), || verdict);
    }
    let is_challenged = interview.is_challenged();
    claims.judge(Claim::Nip(42), || reading::judge_challenge(is_challenged));
    ClaimAudit {
        findings: claims.into_findings(),
        transcript: interview.into_transcript(),
    }
}

/// What requests show. Returns events that came.
async fn read(interview: &mut Interview<'_>, claims: &mut Claims) -> Vec<Event> {
    let reading = reading::read(interview).await;
    claims.judge(Claim::Nip(1), || reading.basics.clone());
    claims.judge(Claim::Nip(67), || reading::judge_hint(&reading));
    if let Some(is_required) = claims.flag(Limit::AuthRequired) {
        claims.judge(Claim::Limit(Limit::AuthRequired), || {
            reading::judge_auth(&reading, is_required)
        });
    }
    let newest = reading.notes.first();
    if claims.has(Claim::Nip(45)) {
        let verdict = counting::probe(interview, newest.map(Event::id)).await;
        claims.judge(Claim::Nip(45), || verdict);
    }
    if claims.has(Claim::Nip(50)) {
        let verdict = searching::probe(interview, &reading.notes).await;
        claims.judge(Claim::Nip(50), || verdict);
    }
    if claims.has(Claim::Nip(77)) {
        let verdict = comparing::probe(interview, newest).await;
        claims.judge(Claim::Nip(77), || verdict);
    }
    reading.notes
}

/// What passing the stated limits shows. Returns events that came.
async fn hold_to_limits(interview: &mut Interview<'_>, claims: &mut Claims) -> Vec<Event> {
    let mut sent = Vec::new();
    if let Some(stated) = claims.number(Limit::MaxLimit) {
        let page = limits::max_limit(interview, stated).await;
        claims.judge(Claim::Limit(Limit::MaxLimit), || page.verdict);
        sent.extend(page.events);
    }
    if let Some(stated) = claims.number(Limit::DefaultLimit) {
        let page = limits::default_limit(interview, stated).await;
        claims.judge(Claim::Limit(Limit::DefaultLimit), || page.verdict);
        sent.extend(page.events);
    }
    if let Some(stated) = claims.number(Limit::MaxSubidLength) {
        let verdict = limits::max_subid_length(interview, stated).await;
        claims.judge(Claim::Limit(Limit::MaxSubidLength), || verdict);
    }
    if let Some(stated) = claims.number(Limit::MaxFilters) {
        let verdict = limits::max_filters(interview, stated).await;
        claims.judge(Claim::Limit(Limit::MaxFilters), || verdict);
    }
    if let Some(stated) = claims.number(Limit::MaxSubscriptions) {
        let verdict = limits::max_subscriptions(interview, stated).await;
        claims.judge(Claim::Limit(Limit::MaxSubscriptions), || verdict);
    }
    sent
}

/// What a relay claims, and what is known of it so far.
struct Claims {
    stated: Vec<(Claim, Option<Stated>)>,
    verdicts: HashMap<Claim, Verdict>,
}

impl Claims {
    fn of(information: &RelayInformation) -> Self {
        Self {
            stated: Claim::all_of(information),
            verdicts: HashMap::new(),
        }
    }

    /// Whether the relay claims it.
    fn has(&self, claim: Claim) -> bool {
        self.stated.iter().any(|(stated, _)| *stated == claim)
    }

    /// What the relay says of a limit that is a number.
    fn number(&self, limit: Limit) -> Option<u64> {
        match self.limit(limit)? {
            Stated::Number(number) => Some(number),
            Stated::Flag(_) => None,
        }
    }

    /// What the relay says of a limit that is there or not.
    fn flag(&self, limit: Limit) -> Option<bool> {
        match self.limit(limit)? {
            Stated::Flag(flag) => Some(flag),
            Stated::Number(_) => None,
        }
    }

    /// Notes a verdict on something that the relay claims. Of several the first that is sure stays.
    fn judge(&mut self, claim: Claim, verdict: impl FnOnce() -> Verdict) {
        let known = self.verdicts.get(&claim).map(|known| known.observed);
        let is_open = matches!(known, None | Some(Observed::Untestable));
        if is_open && self.has(claim) {
            self.verdicts.insert(claim, verdict());
        }
    }

    fn into_findings(mut self) -> Vec<ClaimFinding> {
        let stated = std::mem::take(&mut self.stated).into_iter();
        let finding = |(claim, stated): (Claim, Option<Stated>)| {
            let verdict = self.verdicts.remove(&claim);
            let verdict = verdict.unwrap_or_else(|| Verdict::untestable("nothing was asked"));
            verdict.on(claim, stated)
        };
        stated.map(finding).collect()
    }

    fn limit(&self, limit: Limit) -> Option<Stated> {
        let claim = Claim::Limit(limit);
        let found = self.stated.iter().find(|(stated, _)| *stated == claim);
        found.and_then(|(_, stated)| *stated)
    }
}

/// An event for the tests of verdicts; nobody looks at its signature.
#[cfg(test)]
fn note(kind: Kind, created_at: u64, tags: &[&[&str]]) -> Event {
    let tags = tags
        .iter()
        .map(|tag| tag.iter().map(|it| (*it).to_owned()).collect());
    let draft = nips::event::UnsignedEvent {
        pubkey: nips::PublicKey([1; 32]),
        created_at,
        kind,
        tags: tags.collect(),
        content: String::new(),
    };
    let signature = nips::Signature([0; 64]);
    Event::from_parts(draft.id(), &draft, signature).expect("the id was computed from the draft")
}
