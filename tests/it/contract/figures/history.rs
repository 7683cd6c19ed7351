//! A random history with provenance: the same seed writes the same into every store.

use bigbrotr::model::{RelayId, Sighting};
use bigbrotr::store::Store;
use bigbrotr::store::events::{EventBatch, EventKey};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::contract::events::{Dice, batch};
use crate::contract::given::{NOW, ONION, any_url};

/// Events offered.
const LENGTH: usize = 120;

/// A relay that nobody knows any more saw things, too.
const FORGOTTEN: RelayId = RelayId(9_999);

/// Relays on several networks, of which the last never sees anything.
pub(super) async fn given_relays(store: &dyn Store) -> Vec<RelayId> {
    let mut relays = Vec::new();
    for url in [
        "wss://a.nostr.net",
        ONION,
        "wss://b.nostr.net",
        "ws://127.0.0.1:7777",
        "wss://c.nostr.net",
        "wss://nothing.nostr.net",
    ] {
        relays.push(store.promote(&any_url(url), NOW).await.unwrap());
    }
    relays.pop();
    relays.push(FORGOTTEN);
    relays
}

/// Its batches in order: events seen on some relay or on none, and further sightings of what was offered
/// before.
pub(super) fn history(seed: u64, relays: &[RelayId]) -> Vec<EventBatch> {
    let mut dice = Dice::new(seed);
    let mut rng = StdRng::seed_from_u64(seed);
    let events = dice.history(LENGTH);
    let now = dice.now();
    let mut offered: Vec<EventKey> = Vec::new();
    let mut batches = Vec::new();
    for events in dice.batches(events) {
        let mut batch = batch(events, now);
        for new in &mut batch.events {
            offered.push(EventKey::of(&new.event));
            let is_seen = rng.random_ratio(9, 10);
            new.sighting = is_seen.then(|| seen(&mut rng, relays, now));
        }
        for _ in 0..rng.random_range(0..60) {
            let key = *offered.choose(&mut rng).unwrap();
            batch.sightings.push((key, seen(&mut rng, relays, now)));
        }
        batches.push(batch);
    }
    batches
}

fn seen(rng: &mut StdRng, relays: &[RelayId], seen_at: u64) -> Sighting {
    Sighting {
        relay: *relays.choose(rng).unwrap(),
        seen_at,
    }
}
