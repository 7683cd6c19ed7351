//! The stored functions about relays, documents and state: what they count, and what they leave behind.

mod documents;
mod relays;
mod state;

use bigbrotr::model::{Metadata, MetadataType, RelayMetadata};
use bigbrotr::store::postgres::PostgresStore;
use bigbrotr::store::{CandidateStore, MetadataStore};
use nips::RelayUrl;
use sqlx::PgConnection;

use super::server::{Database, count, text};

const NOW: u64 = 1_700_000_000;

#[tokio::test]
async fn clearing_goes_in_batches_and_keeps_what_is_current() {
    let (_database, store, mut connection) = given().await;
    let relay = store.promote(&url("wss://a.net"), NOW).await.unwrap();
    for moment in 0..6 {
        let row = RelayMetadata {
            relay,
            generated_at: 1_000 + moment,
            metadata: info(moment as usize),
        };
        store.add_relay_metadata(&[row]).await.unwrap();
    }
    let mut batches = async |statement: &str| {
        let mut counts = Vec::new();
        for _ in 0..4 {
            counts.push(count(&mut connection, statement).await);
        }
        counts
    };
    assert_eq!(
        batches("SELECT orphan_metadata_delete()").await,
        [0, 0, 0, 0]
    );
    // Half a century old is older than any age that fits.
    let young = "SELECT relay_metadata_delete_expired(2147483647, 2)";
    assert_eq!(batches(young).await, [0, 0, 0, 0]);
    let expired = "SELECT relay_metadata_delete_expired(batch_size => 2)";
    assert_eq!(batches(expired).await, [2, 2, 1, 0]);
    assert_eq!(
        batches("SELECT orphan_metadata_delete(3)").await,
        [3, 2, 0, 0]
    );
    let latest = store.latest_metadata(relay, MetadataType::Nip11Info).await;
    assert_eq!(latest.unwrap().unwrap().metadata, info(5));
}

#[tokio::test]
async fn every_function_says_whose_rights_it_has_and_where_it_looks() {
    let (_database, _store, mut connection) = given().await;
    let functions = "FROM pg_proc WHERE pronamespace = 'public'::regnamespace";
    let with_owners_rights =
        format!("SELECT string_agg(proname, ', ' ORDER BY proname) {functions} AND prosecdef");
    // Only the owner of a table can add partitions to it, and writers outlive quarters. Whoever refreshes
    // views folds counters before, and may write nothing else. The service that refreshes views and mends
    // counters is a writer, who owns neither.
    let owners = text(&mut connection, &with_owners_rights).await;
    let expected =
        "event_partitions_extend, statistics_fold, statistics_reconcile, statistics_refresh";
    assert_eq!(owners.as_deref(), Some(expected));
    // These run once a row, where setting the path again would take longer than their work: they name no
    // table, or name it with its schema.
    let qualified =
        "('address_key', 'are_among', 'current_version', 'json_without_nul', 'kind_category',
        'tag_hash')";
    let careless = format!(
        "SELECT string_agg(proname, ', ') {functions} AND proname NOT IN {qualified} AND NOT EXISTS (
            SELECT FROM unnest(proconfig) AS setting WHERE setting LIKE 'search_path=%, pg_temp')"
    );
    assert_eq!(text(&mut connection, &careless).await, None);
}

async fn given() -> (Database, PostgresStore, PgConnection) {
    let database = Database::create().await;
    let (store, connection) = (database.store().await, database.connect().await);
    (database, store, connection)
}

fn info(number: usize) -> Metadata {
    Metadata::new(MetadataType::Nip11Info, format!(r#"{{"name":"{number}"}}"#))
}

fn url(text: &str) -> RelayUrl {
    RelayUrl::parse(text).unwrap()
}
