//! A pooler in transaction mode, which gives each transaction another session.

use bigbrotr::model::{NewRelay, RelayId, RelayState, RttSample};
use bigbrotr::store::postgres::{PostgresOptions, PostgresStore};
use bigbrotr::store::relays::CheckRecord;
use bigbrotr::store::{MetadataStore, RelayStore};
use nips::RelayUrl;
use tokio::task::JoinSet;

use super::server::Database;

/// Calls at the same time: several times the sessions that the pooler has for them.
const TASKS: u32 = 16;

/// Calls of each, enough for thousands of changes of session.
const CALLS: u32 = 60;

#[tokio::test]
async fn every_call_gets_the_answer_to_its_own_question() {
    let database = Database::create().await;
    let options = PostgresOptions {
        max_connections: TASKS,
        ..database.options()
    };
    let store = PostgresStore::open(options).await.unwrap();
    let ids = relays_with_samples(&store).await;
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (store, ids) = (store.clone(), ids.clone());
        // Two questions with values of the same types: one that met the text of the other would
        // be answered all the same.
        tasks.spawn(async move {
            for call in 0..CALLS {
                let id = ids[(task * 7 + call) as usize % ids.len()];
                if task % 2 == 0 {
                    let found = store.relays_after(Some(RelayId(id.0 - 1)), 1).await;
                    assert_eq!(found.unwrap()[0].id, id);
                } else {
                    let found = store.rtt_samples(id, 1).await.unwrap();
                    assert_eq!(found[0].checked_at, u64::from(id.0) + 1_000_000);
                }
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
}

/// Relays, and for each a sample that names it.
async fn relays_with_samples(store: &PostgresStore) -> Vec<RelayId> {
    let relays: Vec<NewRelay> = (0..50).map(relay).collect();
    store.add_relays(&relays, 1).await.unwrap();
    let stored = store.relays_after(None, 100).await.unwrap();
    for relay in &stored {
        let rtt = RttSample {
            relay: relay.id,
            checked_at: u64::from(relay.id.0) + 1_000_000,
            open_ms: Some(1),
            read_ms: None,
            write_ms: None,
        };
        let record = CheckRecord {
            rtt,
            state: RelayState::Online,
            check_failures: 0,
            next_check_at: 1,
        };
        store.record_check(&record).await.unwrap();
    }
    stored.into_iter().map(|relay| relay.id).collect()
}

fn relay(number: u32) -> NewRelay {
    NewRelay {
        url: RelayUrl::parse(&format!("wss://r{number}.nostr.net")).unwrap(),
        discovered_at: 1,
    }
}
