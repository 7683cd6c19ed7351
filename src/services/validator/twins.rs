//! Relays of several hosts that are one relay, by the key that each names as its own (`self` of NIP-11).
//!
//! A document is copied in a minute, its key included, so it is only a reason to look. Two relays are one when both
//! name the same key, give the same document, and hold the same newest events of a while ago, which a relay with other
//! writers does not. The one that has been known longest is the relay and the others are its aliases, so that whoever
//! goes as far as to serve another relay's events can take no place but his own.

use std::collections::{BTreeSet, HashMap};

use nips::nip11::RelayInformation;
use nips::{Event, EventId, Filter, Kind, PublicKey};
use serde_json::json;
use tokio::time::{Duration, Instant};
use tracing::info;

use super::aliases::document;
use crate::lifecycle::Tokens;
use crate::model::{Alias, Relay, RelayId, ServiceName};
use crate::net::{OpenOptions, RequestOptions};
use crate::services::{Context, checkpoint};
use crate::store::{Store, StoreError};

/// Key of the checkpoint.
const TWINS: &str = "twins";

/// How often documents are read for keys, seconds.
const EVERY: u64 = 86_400;

/// Documents read from the store at once.
const PAGE: usize = 500;

/// Relays of one key that are looked at, those known longest: nobody has more of one, and anybody can copy.
const MAX_RELAYS: usize = 16;

/// How long one pass may go on. The next one meets the keys in another order.
const PATIENCE: Duration = Duration::from_secs(300);

/// Newest events that are compared, and how many there have to be: two empty relays have everything in common.
const NEWEST: usize = 50;
const MIN_EVENTS: usize = 10;

/// Events this young are not compared, seconds: one of two servers may have them first.
const SETTLED_AFTER: u64 = 600;

/// Bytes that those events may have.
const MAX_BYTES: u64 = 8 << 20;

/// Kinds that most relays keep and answer for.
const KINDS: [Kind; 5] = [
    Kind::METADATA,
    Kind::TEXT_NOTE,
    Kind::CONTACTS,
    Kind(7),
    Kind::RELAY_LIST,
];

/// What one relay shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Showing {
    document: String,
    newest: BTreeSet<EventId>,
}

impl Showing {
    /// Whether two relays show so much of the same that they are one.
    fn is_of_the_same_relay(&self, other: &Self) -> bool {
        self == other && self.newest.len() >= MIN_EVENTS
    }

    /// Whether two relays show that they are not one. Servers of one relay may be a little apart.
    pub(super) fn is_of_another_relay(&self, other: &Self) -> bool {
        let shared = self.newest.intersection(&other.newest).count();
        let fewer = self.newest.len().min(other.newest.len());
        self.document != other.document || shared * 2 < fewer
    }
}

/// Finds them, once a day. Returns how many aliases were found.
///
/// # Errors
/// [`StoreError`]; a relay that shows nothing is no error, and no alias.
pub(super) async fn find(context: &Context, tokens: &Tokens) -> Result<u64, StoreError> {
    let (store, now) = (context.store.as_ref(), context.clock.now());
    let last = checkpoint::load(store, ServiceName::Validator, TWINS).await?;
    if last.is_some_and(|last| now < last + EVERY) {
        return Ok(0);
    }
    let until = Instant::now() + PATIENCE;
    let mut found = 0;
    for relays in by_own_key(store).await?.into_values() {
        if tokens.is_stopping() {
            return Ok(found);
        }
        if Instant::now() < until {
            found += cluster(context, &relays, tokens).await?;
        }
    }
    checkpoint::save(store, ServiceName::Validator, TWINS, now).await?;
    Ok(found)
}

/// Relays by the key that their newest documents name, where it is more than one.
async fn by_own_key(store: &dyn Store) -> Result<HashMap<PublicKey, Vec<RelayId>>, StoreError> {
    let mut relays: HashMap<PublicKey, Vec<RelayId>> = HashMap::new();
    let mut after = None;
    loop {
        let page = store.latest_documents(after, PAGE).await?;
        let Some(last) = page.last() else {
            relays.retain(|_, named| named.len() > 1);
            return Ok(relays);
        };
        after = Some(last.relay);
        for row in &page {
            let read = RelayInformation::parse(row.metadata.data().as_bytes());
            if let Some(key) = read.ok().and_then(|it| it.own_key()) {
                relays.entry(key).or_default().push(row.relay);
            }
        }
    }
}

/// Compares the relays of one key. Returns how many aliases there were.
async fn cluster(
    context: &Context,
    relays: &[RelayId],
    tokens: &Tokens,
) -> Result<u64, StoreError> {
    let mut shown: Vec<(Relay, Showing)> = Vec::new();
    let mut aliases = Vec::new();
    for relay in known_longest(context, relays).await? {
        let showing = tokio::select! {
            showing = look(context, &relay) => showing,
            () = tokens.soft_stop() => return Ok(0),
        };
        let Some(showing) = showing else { continue };
        let is_twin = |(other, theirs): &&(Relay, Showing)| {
            // Paths of one host are told apart in another way.
            other.url.host() != relay.url.host() && theirs.is_of_the_same_relay(&showing)
        };
        match shown.iter().find(is_twin) {
            Some((canonical, _)) => aliases.push(alias(context, &relay, canonical, &showing)),
            None => shown.push((relay, showing)),
        }
    }
    if !aliases.is_empty() {
        let (store, now) = (&context.store, context.clock.now());
        store.add_aliases(&aliases, now).await?;
        info!(count = aliases.len(), "twins_found");
    }
    Ok(aliases.len() as u64)
}

/// Those that are relays of their own and can be asked, in the order in which they became known.
async fn known_longest(context: &Context, relays: &[RelayId]) -> Result<Vec<Relay>, StoreError> {
    let mut known = Vec::new();
    for relay in context.store.relays_by_id(relays).await? {
        let aliases = context.store.aliases(relay.id).await?;
        let is_alias = aliases.iter().any(|alias| alias.relay == relay.id);
        if !is_alias && context.net.check_network(relay.network()).is_ok() {
            known.push(relay);
        }
    }
    known.sort_by_key(|relay| (relay.validated_at, relay.id));
    known.truncate(MAX_RELAYS);
    Ok(known)
}

fn alias(context: &Context, relay: &Relay, canonical: &Relay, showing: &Showing) -> Alias {
    let evidence = json!({
        "same_key": true,
        "same_document": true,
        "same_newest_events": showing.newest.len(),
    });
    Alias {
        relay: relay.id,
        canonical: canonical.id,
        evidence: evidence.to_string(),
        found_at: context.clock.now(),
    }
}

/// What a relay shows now; `None` when it shows less than is needed to compare it.
pub(super) async fn look(context: &Context, relay: &Relay) -> Option<Showing> {
    // Who stands between us and a relay could show whatever makes it somebody else's.
    let context = &Context {
        net: context.net.verifying(),
        ..context.clone()
    };
    let _permit = context.net.permit(relay.network()).await;
    let document = document(context, &relay.url).await?;
    let deadline = context.net.deadline(relay.network());
    let opened = context
        .net
        .open(&relay.url, deadline, OpenOptions::default());
    let mut session = opened.await.ok()?;
    let filter = Filter {
        kinds: Some(KINDS.to_vec()),
        until: Some(context.clock.now().saturating_sub(SETTLED_AFTER)),
        limit: Some(NEWEST),
        ..Filter::default()
    };
    let options = RequestOptions {
        deadline,
        max_events: NEWEST + 1,
        max_bytes: MAX_BYTES,
    };
    let (events, report) = session.fetch(&[filter], options).await;
    session.close(deadline).await;
    let ids = events.iter().map(|event| id(event));
    let newest = ids.collect::<Option<BTreeSet<EventId>>>()?;
    report.is_complete().then_some(Showing { document, newest })
}

/// The id that an event really has.
fn id(event: &str) -> Option<EventId> {
    let event = Event::from_json(event).ok()?;
    (event.as_ref().compute_id() == event.id()).then(|| event.id())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn showing(document: &str, newest: std::ops::Range<u8>) -> Showing {
        Showing {
            document: document.to_owned(),
            newest: newest.map(|number| EventId([number; 32])).collect(),
        }
    }

    #[test]
    fn twins_show_the_same_and_enough_of_it() {
        let one = showing("a", 0..10);
        assert!(one.is_of_the_same_relay(&showing("a", 0..10)));
        for other in [
            showing("b", 0..10),
            showing("a", 1..11),
            showing("a", 0..11),
        ] {
            assert!(!one.is_of_the_same_relay(&other), "{other:?}");
        }
        assert!(!showing("a", 0..9).is_of_the_same_relay(&showing("a", 0..9)));
    }

    #[test]
    fn what_differs_a_little_may_be_one_relay_and_what_differs_is_not() {
        let one = showing("a", 0..10);
        assert!(!one.is_of_another_relay(&showing("a", 5..15)));
        assert!(one.is_of_another_relay(&showing("a", 6..16)));
        assert!(one.is_of_another_relay(&showing("b", 0..10)));
    }
}
