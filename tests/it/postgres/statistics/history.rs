//! A random history with provenance: the same seed writes the same, whoever folds in between.

use bigbrotr::store::EventStore;
use bigbrotr::store::events::{EventBatch, EventKey};
use bigbrotr::store::postgres::PostgresStore;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use sqlx::{Executor, PgConnection};

use crate::contract::events::{Dice, batch, sighting};
use crate::postgres::server::Database;

/// Events offered.
const LENGTH: usize = 120;
/// Relays, of which the last never sees anything.
const RELAYS: u32 = 6;

/// A new archive with relays on several networks.
pub(super) async fn archive(database: &Database) -> (PostgresStore, PgConnection) {
    let store = database.store().await;
    let mut connection = database.connect().await;
    connection
        .execute(
            "INSERT INTO relay
                (url, network, discovered_at, validated_at, state, next_check_at, next_sync_at)
            SELECT 'wss://r' || n || '.nostr.net', (ARRAY['clearnet', 'tor', 'i2p'])[1 + n % 3],
                n, n, 'active', 0, 0
            FROM generate_series(1, 6) AS n",
        )
        .await
        .unwrap();
    (store, connection)
}

/// Its batches in order: events seen on some relay or on none, and further sightings of what was offered
/// before.
pub(super) fn history(seed: u64) -> Vec<EventBatch> {
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
            new.sighting = is_seen.then(|| sighting(rng.random_range(1..RELAYS), now));
        }
        for _ in 0..rng.random_range(0..60) {
            let key = *offered.choose(&mut rng).unwrap();
            let seen = sighting(rng.random_range(1..RELAYS), now);
            batch.sightings.push((key, seen));
        }
        batches.push(batch);
    }
    batches
}

/// Writes it all.
pub(super) async fn write(store: &PostgresStore, history: Vec<EventBatch>) {
    for batch in history {
        store.write(batch).await.unwrap();
    }
}
