//! What is counted about calls and connections.

use std::time::Duration;

use bigbrotr::metrics::Metrics;
use bigbrotr::model::{NewCandidate, RelayId};
use bigbrotr::store::postgres::{PostgresOptions, PostgresStore};
use bigbrotr::store::statistics::PoolUsage;
use bigbrotr::store::{CandidateStore, RelayStore, StatisticsStore};
use nips::RelayUrl;
use sqlx::Connection;
use tokio::time::{Instant, sleep};

use super::server::{Database, execute};

const DEADLINE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn calls_are_counted_by_operation() {
    let (_database, metrics, store) = given().await;
    let acquired = |text: &str| -> u64 {
        let line = r#"bigbrotr_pool_acquire_duration_seconds_count{pool="pooled"} "#;
        let mut counts = text.lines().filter_map(|text| text.strip_prefix(line));
        counts.next().map_or(0, |count| count.parse().unwrap())
    };
    let before = acquired(&metrics.exposition());
    store.relay_by_url(&url()).await.unwrap();
    store.relay_by_url(&url()).await.unwrap();
    store.record_sync(RelayId(7), 0, 1).await.unwrap_err();
    let text = metrics.exposition();
    for line in [
        r#"bigbrotr_query_duration_seconds_count{operation="relay_by_url"} 2"#,
        r#"bigbrotr_query_duration_seconds_count{operation="record_sync"} 1"#,
        r#"bigbrotr_store_errors_total{operation="record_sync",reason="failed"} 1"#,
        r#"bigbrotr_pool_waiting_operations{pool="pooled"} 0"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert_eq!(acquired(&text) - before, 3);
    assert!(!text.contains(r#"bigbrotr_store_errors_total{operation="relay_by_url""#));
}

#[tokio::test]
async fn an_exhausted_pool_is_seen() {
    let (database, metrics, store) = given().await;
    // Somebody has the lock that adding candidates waits for.
    let mut other = database.connect().await;
    let mut holding = other.begin().await.unwrap();
    execute(&mut holding, "SELECT pg_advisory_xact_lock(7261940116)").await;
    let calls = async {
        let (named, url) = ([candidate()], url());
        tokio::join!(store.add_candidates(&named, 1), store.relay_by_url(&url))
    };
    let watch = async {
        let waits = r#"bigbrotr_pool_waiting_operations{pool="pooled"} 1"#;
        let until = Instant::now() + DEADLINE;
        while !metrics.exposition().contains(waits) {
            assert!(Instant::now() < until, "nobody waits");
            sleep(Duration::from_millis(5)).await;
        }
        let usage = store.pools()[0];
        holding.rollback().await.unwrap();
        usage
    };
    let ((added, found), usage) = tokio::join!(calls, watch);
    let expected = PoolUsage {
        pool: "pooled",
        in_use: 1,
        idle: 0,
        max: 1,
    };
    assert_eq!(usage, expected);
    assert_eq!(usage.available(), 0);
    assert_eq!(added.unwrap(), 1);
    assert_eq!(found.unwrap(), None);
}

#[tokio::test]
async fn both_pools_are_told() {
    let (_database, _metrics, store) = given().await;
    let pools = store.pools();
    let named: Vec<&str> = pools.iter().map(|usage| usage.pool).collect();
    assert_eq!(named, ["pooled", "direct"]);
    assert!(
        pools
            .iter()
            .all(|usage| usage.max > 0 && usage.in_use <= usage.max)
    );
}

async fn given() -> (Database, Metrics, PostgresStore) {
    let database = Database::create().await;
    let metrics = Metrics::new();
    let options = PostgresOptions {
        max_connections: 1,
        metrics: metrics.store.clone(),
        ..database.options()
    };
    let store = PostgresStore::open(options).await.unwrap();
    (database, metrics, store)
}

fn candidate() -> NewCandidate {
    NewCandidate {
        url: url(),
        source: "seed".to_owned(),
        discovered_at: 1,
    }
}

fn url() -> RelayUrl {
    RelayUrl::parse("wss://a.net").unwrap()
}
