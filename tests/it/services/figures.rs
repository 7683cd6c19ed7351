//! The refresher keeps figures up to date, on either store, and mends counters that are wrong.

use std::sync::Arc;

use bigbrotr::config::{RefreshConfig, RefresherConfig};
use bigbrotr::lifecycle::Tokens;
use bigbrotr::services::refresher::Refresher;
use bigbrotr::services::{Context, CycleSummary, Service};
use bigbrotr::store::figures::KindFigures;
use bigbrotr::store::postgres::PostgresStore;
use bigbrotr::store::{EventStore, Store};
use fleet::FleetPlan;
use nips::Kind;

use super::given::{Given, cycle};
use crate::archive::given::note;
use crate::contract::events;
use crate::postgres::server::{Database, count, execute};

/// A context over PostgreSQL, reached as the services reach it.
async fn over_postgres(given: &Given, database: &Database) -> (Context, Arc<PostgresStore>) {
    let store = PostgresStore::open(database.options_as("writer")).await;
    let store = Arc::new(store.unwrap());
    let context = Context {
        store: store.clone(),
        ..given.context.clone()
    };
    (context, store)
}

async fn refresh(context: &Context, refresh: RefreshConfig) -> CycleSummary {
    let config = RefresherConfig {
        refresh,
        ..RefresherConfig::default()
    };
    cycle(&Refresher::new(context.clone(), config)).await
}

async fn write(store: &dyn EventStore, authors: u8) {
    let events: Vec<_> = (1..=authors)
        .map(|author| events::event(author, 1, 100, &[]))
        .collect();
    events::write(store, &events).await;
}

async fn kind_one(store: &dyn Store) -> Option<KindFigures> {
    let kinds = store.kind_figures().await.unwrap();
    kinds.into_iter().find(|kind| kind.kind == Kind::TEXT_NOTE)
}

#[tokio::test]
async fn a_cycle_counts_what_was_archived() {
    let given = Given::start(FleetPlan::new(1)).await;
    given.archive([note(1), note(2)]).await;
    assert_eq!(kind_one(given.store()).await, None);
    let summary = refresh(&given.context, RefreshConfig::default()).await;
    assert!(summary.count("counted_commits") > 0, "{summary}");
    assert_eq!(summary.count("views_failed"), 0);
    assert_eq!(summary.count("compared_authors"), 1);
    assert_eq!(kind_one(given.store()).await.unwrap().events, 2);
    let again = refresh(&given.context, RefreshConfig::default()).await;
    assert_eq!(again.count("counted_commits"), 0);
}

#[tokio::test]
async fn the_writer_refreshes_the_views_of_postgres() {
    let given = Given::start(FleetPlan::new(1)).await;
    let database = Database::create().await;
    let (context, store) = over_postgres(&given, &database).await;
    write(store.as_ref(), 3).await;
    let summary = refresh(&context, RefreshConfig::default()).await;
    assert_eq!(summary.count("views_refreshed"), 13);
    assert_eq!(summary.count("views_failed"), 0);
    let mut connection = database.connect().await;
    let authors = "SELECT count(*) FROM pubkey_counts";
    assert_eq!(count(&mut connection, authors).await, 3);

    // One that is in the way of none of the others.
    execute(&mut connection, "DROP MATERIALIZED VIEW event_stats").await;
    write(store.as_ref(), 5).await;
    let summary = refresh(&context, RefreshConfig::default()).await;
    assert_eq!(summary.count("views_failed"), 1);
    assert_eq!(summary.count("views_refreshed"), 12);
    assert_eq!(count(&mut connection, authors).await, 5);

    write(store.as_ref(), 7).await;
    let only = RefreshConfig {
        views: vec!["kind_counts".to_owned()],
        ..RefreshConfig::default()
    };
    let summary = refresh(&context, only).await;
    assert_eq!(summary.count("views_refreshed"), 1);
    assert_eq!(count(&mut connection, authors).await, 5);
    let events = "SELECT event_count FROM kind_counts WHERE kind = 1";
    assert_eq!(count(&mut connection, events).await, 7);
}

/// Wrong counters that comparisons find until each author was met.
async fn wrong_in_a_round(context: &Context) -> u64 {
    let mut wrong = 0;
    for _ in 0..2 {
        let summary = refresh(context, RefreshConfig::default()).await;
        wrong += summary.count("wrong_counters");
    }
    wrong
}

#[tokio::test]
async fn wrong_counters_are_found_and_made_anew() {
    let given = Given::start(FleetPlan::new(1)).await;
    let database = Database::create().await;
    let (context, store) = over_postgres(&given, &database).await;
    write(store.as_ref(), 9).await;
    refresh(&context, RefreshConfig::default()).await;
    let mut connection = database.connect().await;
    for damage in [
        "UPDATE kind_counter SET events = events + 1",
        "UPDATE author_counter SET kinds = 7 WHERE author_id = 4",
        "INSERT INTO author_relay_counter VALUES (1, 1, 2, 77, 1, 1)",
    ] {
        execute(&mut connection, damage).await;
        assert_eq!(wrong_in_a_round(&context).await, 1, "{damage}");
        assert_eq!(wrong_in_a_round(&context).await, 0, "{damage}");
    }
    assert_eq!(kind_one(store.as_ref()).await.unwrap().events, 9);
}

#[tokio::test]
async fn a_comparison_goes_on_where_the_last_one_ended() {
    let given = Given::start(FleetPlan::new(1)).await;
    write(given.store(), 5).await;
    let two = RefreshConfig {
        compared_events: 2,
        ..RefreshConfig::default()
    };
    let mut compared = Vec::new();
    for _ in 0..5 {
        let summary = refresh(&given.context, two.clone()).await;
        compared.push(summary.count("compared_authors"));
    }
    // After the last one it has nothing to compare, and then it begins with the first again.
    assert_eq!(compared, [2, 2, 1, 0, 2]);
    let none = RefreshConfig {
        compared_events: 0,
        ..RefreshConfig::default()
    };
    let summary = refresh(&given.context, none).await;
    assert_eq!(summary.count("compared_authors"), 0);
}

#[tokio::test]
async fn a_soft_stop_leaves_counting_for_the_next_cycle() {
    let given = Given::start(FleetPlan::new(1)).await;
    write(given.store(), 2).await;
    let tokens = Tokens::new();
    tokens.stop();
    let refresher = Refresher::new(given.context.clone(), RefresherConfig::default());
    let summary = refresher.cycle(&tokens).await.unwrap();
    assert_eq!(summary.count("counted_commits"), 0);
    assert_eq!(cycle(&refresher).await.count("counted_commits"), 1);
}
