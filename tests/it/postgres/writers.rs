//! Several writers on the same rows: nothing is lost, nothing is counted twice, nobody is in a deadlock.

use bigbrotr::model::{
    Interval, Metadata, MetadataType, Method, NewCandidate, NewRelay, RelayMetadata,
};
use bigbrotr::store::coverage::FilterId;
use bigbrotr::store::postgres::{PostgresOptions, PostgresStore};
use bigbrotr::store::{CandidateStore, CoverageStore, MetadataStore, RelayStore};
use nips::RelayUrl;
use rand::seq::SliceRandom;
use tokio::task::JoinSet;

use super::server::{Database, count};

const NOW: u64 = 1_700_000_000;

/// Writers at the same time; the pooler has a session for each.
const WRITERS: usize = 4;

#[tokio::test]
async fn candidates_and_relays_are_counted_once() {
    let (_database, store) = given().await;
    let numbers: Vec<u32> = (0..400).collect();
    let mut tasks = JoinSet::new();
    for _ in 0..WRITERS {
        let (store, mut numbers) = (store.clone(), numbers.clone());
        numbers.shuffle(&mut rand::rng());
        tasks.spawn(async move {
            let candidates: Vec<NewCandidate> = numbers.iter().map(|n| candidate(*n)).collect();
            let relays: Vec<NewRelay> = numbers.iter().map(|n| relay(*n + 200)).collect();
            let mut added = (0, 0);
            for portion in 0..4 {
                let part = portion * 100..portion * 100 + 100;
                added.0 += store
                    .add_candidates(&candidates[part.clone()], NOW)
                    .await
                    .unwrap();
                added.1 += store.add_relays(&relays[part], NOW).await.unwrap();
            }
            added
        });
    }
    let (mut candidates, mut relays) = (0, 0);
    while let Some(added) = tasks.join_next().await {
        let added = added.unwrap();
        candidates += added.0;
        relays += added.1;
    }
    assert_eq!(relays, 400);
    // Between 200 and 400, depending on who was first to name the others.
    assert!((200..=400).contains(&candidates), "{candidates}");
    let totals = bigbrotr::store::StatisticsStore::totals(&store)
        .await
        .unwrap();
    assert_eq!((totals.relays, totals.candidates), (400, 200));
}

#[tokio::test]
async fn a_url_is_never_a_relay_and_a_candidate() {
    let (database, store) = given().await;
    for round in 0..40 {
        let numbers: Vec<u32> = (round * 10..round * 10 + 10).collect();
        let candidates: Vec<NewCandidate> = numbers.iter().map(|n| candidate(*n)).collect();
        let (again, promoter) = (store.clone(), store.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            for number in numbers {
                promoter.promote(&url(number), NOW).await.unwrap();
            }
        });
        tasks.spawn(async move {
            for _ in 0..4 {
                again.add_candidates(&candidates, NOW).await.unwrap();
            }
        });
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
    }
    let mut connection = database.connect().await;
    let both = "SELECT count(*) FROM relay INNER JOIN candidate USING (url)";
    assert_eq!(count(&mut connection, both).await, 0);
}

#[tokio::test]
async fn a_time_line_is_changed_by_one_at_a_time() {
    let (_database, store) = given().await;
    let relay = store.promote(&url(1), NOW).await.unwrap();
    let filter = FilterId(7);
    let mut pieces: Vec<u64> = (0..80).collect();
    pieces.shuffle(&mut rand::rng());
    let mut tasks = JoinSet::new();
    for part in pieces.chunks(pieces.len() / WRITERS) {
        let (store, part) = (store.clone(), part.to_vec());
        tasks.spawn(async move {
            for piece in part {
                let interval = Interval {
                    from: piece * 10,
                    until: piece * 10 + 9,
                    method: Method::Paging,
                    covered_at: NOW,
                    events: 3,
                };
                store.cover(relay, filter, interval).await.unwrap();
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let [whole] = store
        .coverage(relay, filter)
        .await
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!((whole.from, whole.until, whole.events), (0, 799, 240));
}

#[tokio::test]
async fn a_document_is_not_deleted_while_somebody_names_it() {
    let (_database, store) = given().await;
    let mut relays = Vec::new();
    for number in 0..WRITERS as u32 {
        relays.push(store.promote(&url(number), NOW).await.unwrap());
    }
    let mut tasks = JoinSet::new();
    let janitor = store.clone();
    for relay in relays {
        let store = store.clone();
        tasks.spawn(async move {
            for moment in 0..40 {
                // Shared by all, and often named by nobody for a moment.
                let name = format!(r#"{{"name":"{}"}}"#, moment % 3);
                let row = RelayMetadata {
                    relay,
                    generated_at: NOW + moment,
                    metadata: Metadata::new(MetadataType::Nip11Info, name),
                };
                assert_eq!(store.add_relay_metadata(&[row]).await.unwrap(), 1);
                store
                    .delete_expired_metadata(NOW + moment, 10)
                    .await
                    .unwrap();
            }
        });
    }
    tasks.spawn(async move {
        for _ in 0..60 {
            janitor.delete_orphan_metadata(10).await.unwrap();
        }
    });
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
}

#[tokio::test]
async fn stored_functions_count_once_too() {
    let database = Database::create().await;
    let shuffled =
        "FROM (SELECT n FROM generate_series(1, 300) AS n ORDER BY random()) AS shuffled";
    let insert = format!(
        "SELECT relay_metadata_insert_cascade(
            array_agg('wss://r' || n || '.net'), array_fill('clearnet'::text, ARRAY[300]),
            array_fill(1::bigint, ARRAY[300]),
            array_agg(sha256(convert_to('{{\"n\":' || n % 50 || '}}', 'UTF8'))),
            array_fill('nip11_info'::text, ARRAY[300]), array_agg(jsonb_build_object('n', n % 50)),
            array_fill(1::bigint, ARRAY[300])) {shuffled}"
    );
    let upsert = format!(
        "SELECT service_state_upsert(
            array_fill('finder'::text, ARRAY[300]), array_fill('cursor'::text, ARRAY[300]),
            array_agg(n::text), array_fill('{{}}'::jsonb, ARRAY[300]),
            array_fill(1::bigint, ARRAY[300])) {shuffled}"
    );
    let mut tasks = JoinSet::new();
    for _ in 0..WRITERS {
        let (insert, upsert) = (insert.clone(), upsert.clone());
        let mut connection = database.connect().await;
        tasks.spawn(async move {
            let mut added = 0;
            for _ in 0..10 {
                added += count(&mut connection, &insert).await;
                assert_eq!(count(&mut connection, &upsert).await, 300);
            }
            added
        });
    }
    let mut added = 0;
    while let Some(ended) = tasks.join_next().await {
        added += ended.unwrap();
    }
    assert_eq!(added, 300);
    let mut connection = database.connect().await;
    for (table, rows) in [("relay", 300), ("relay_metadata", 300), ("metadata", 50)] {
        let stored = format!("SELECT count(*) FROM {table}");
        assert_eq!(count(&mut connection, &stored).await, rows, "{table}");
    }
}

async fn given() -> (Database, PostgresStore) {
    let database = Database::create().await;
    let options = PostgresOptions {
        max_connections: WRITERS as u32 + 1,
        ..database.options()
    };
    let store = PostgresStore::open(options).await.unwrap();
    (database, store)
}

fn candidate(number: u32) -> NewCandidate {
    NewCandidate {
        url: url(number),
        source: "seed".to_owned(),
        discovered_at: NOW,
    }
}

fn relay(number: u32) -> NewRelay {
    NewRelay {
        url: url(number),
        discovered_at: NOW,
    }
}

fn url(number: u32) -> RelayUrl {
    RelayUrl::parse(&format!("wss://r{number}.nostr.net")).unwrap()
}
