//! The views that offer the seed's shape, also when a relay put into its document what jsonb cannot hold.

use bigbrotr::model::{
    Metadata, MetadataType, RelayMetadata, ServiceName, ServiceState, StateType,
};
use bigbrotr::store::postgres::PostgresStore;
use bigbrotr::store::{CandidateStore, MetadataStore, StateStore};
use nips::RelayUrl;
use serde_json::json;
use sqlx::PgConnection;

use super::server::{Database, count, execute, text};

const NOW: u64 = 1_700_000_000;

/// What hostile documents hold, and what jsonb makes of it.
const HOSTILE: [(&str, Option<&str>); 9] = [
    (r#"{"a":"x\u0000y"}"#, Some(r#"{"a": "xy"}"#)),
    // An escaped backslash in front of what only looks like an escape.
    (r#"{"a":"x\\u0000\u0000"}"#, Some(r#"{"a": "x\\u0000"}"#)),
    (
        r#"{"a":"\ud800 alone","b":"\udc00"}"#,
        Some("{\"a\": \"\u{fffd} alone\", \"b\": \"\u{fffd}\"}"),
    ),
    (
        r#"{"a":"\ud83e\uddc0\ud83e"}"#,
        Some("{\"a\": \"\u{1f9c0}\u{fffd}\"}"),
    ),
    (
        r#"{"supported_nips":[99999999999,-1]}"#,
        Some(r#"{"supported_nips": [99999999999, -1]}"#),
    ),
    (r#"{"a":1e400000}"#, None),
    (r#"{"a":"#, None),
    ("", None),
    ("\u{1f9c0}", None),
];

#[tokio::test]
async fn hostile_documents_are_readable_or_null() {
    let database = Database::create().await;
    let mut connection = database.connect().await;
    for (document, expected) in HOSTILE {
        let read = sqlx::query_scalar("SELECT readable_json($1)::text").bind(document);
        let read: Option<String> = read.fetch_one(&mut connection).await.unwrap();
        assert_eq!(read.as_deref(), expected, "{document}");
    }
    let deep = "SELECT readable_json(repeat('[', 200000))::text";
    assert_eq!(text(&mut connection, deep).await, None);
}

#[tokio::test]
async fn the_seeds_queries_run_unchanged() {
    let (_database, store, mut connection) = given().await;
    let (a, b) = (url("wss://a.net"), url("wss://b.net"));
    document(&store, &a, NOW, r#"{"data":{"name":"A"}}"#).await;
    document(&store, &a, NOW + 60, r#"{"data":{"name":"A"}}"#).await;
    document(&store, &a, NOW + 120, r#"{"data":{"name":"B"}}"#).await;
    document(&store, &b, NOW, r#"{"data":{"name":"A"}}"#).await;
    store.put_states(&[checkpoint()]).await.unwrap();
    execute(&mut connection, "SET search_path = nostr, public").await;

    let relays = "SELECT string_agg(format('%s %s %s', url, network, discovered_at), ', ' ORDER BY url) FROM relay";
    assert_eq!(
        text(&mut connection, relays).await.unwrap(),
        format!("wss://a.net clearnet {NOW}, wss://b.net clearnet {NOW}")
    );
    let names = "SELECT string_agg(format('%s %s %s', rm.relay_url, rm.generated_at - 1700000000,
            m.data -> 'data' ->> 'name'), ', ' ORDER BY rm.relay_url, rm.generated_at)
        FROM relay_metadata AS rm
        JOIN metadata AS m ON m.id = rm.metadata_id AND m.metadata_type = rm.metadata_type";
    assert_eq!(
        text(&mut connection, names).await.unwrap(),
        "wss://a.net 0 A, wss://a.net 120 B, wss://b.net 0 A"
    );
    let until = "SELECT last_generated_at FROM relay_metadata WHERE relay_url = 'wss://a.net'
        ORDER BY generated_at LIMIT 1";
    assert_eq!(count(&mut connection, until).await, 1_700_000_060);
    let state = "SELECT format('%s %s %s %s %s', service_name, state_type, state_key,
        state_value ->> 'timestamp', updated_at) FROM service_state";
    assert_eq!(
        text(&mut connection, state).await.unwrap(),
        format!("monitor checkpoint announcement 5 {NOW}")
    );
    let hashes = "SELECT count(*) FROM metadata WHERE octet_length(id) = 32";
    assert_eq!(count(&mut connection, hashes).await, 2);
}

#[tokio::test]
async fn the_latest_documents_are_those_of_the_last_refresh() {
    let (_database, store, mut connection) = given().await;
    let (a, b) = (url("wss://a.net"), url("wss://b.net"));
    document(&store, &a, NOW, r#"{"name":"old"}"#).await;
    document(&store, &a, NOW + 60, r#"{"name":"new"}"#).await;
    document(&store, &a, NOW + 90, r#"{"name":"new"}"#).await;
    document(&store, &b, NOW, r#"{"name":"b"}"#).await;
    let latest = "SELECT string_agg(format('%s %s %s %s', relay_url, metadata_type,
            generated_at - 1700000000, data ->> 'name'), ', ' ORDER BY relay_url)
        FROM relay_metadata_latest";
    assert_eq!(text(&mut connection, latest).await, None);
    execute(&mut connection, "SELECT relay_metadata_latest_refresh()").await;
    let expected = "wss://a.net nip11_info 90 new, wss://b.net nip11_info 0 b";
    assert_eq!(text(&mut connection, latest).await.unwrap(), expected);
    let id = Metadata::new(MetadataType::Nip11Info, r#"{"name":"new"}"#.to_owned()).id();
    let same =
        sqlx::query_scalar("SELECT count(*) FROM relay_metadata_latest WHERE metadata_id = $1");
    let same: i64 = same.bind(id).fetch_one(&mut connection).await.unwrap();
    assert_eq!(same, 1);
}

#[tokio::test]
async fn no_document_stops_a_view() {
    let (_database, store, mut connection) = given().await;
    for (number, (document_text, _)) in HOSTILE.into_iter().enumerate() {
        let relay = url(&format!("wss://h{number}.net"));
        document(&store, &relay, NOW, document_text).await;
    }
    let long = format!(r#"{{"software":"{}"}}"#, "s".repeat(10_000));
    document(&store, &url("wss://long.net"), NOW, &long).await;
    let huge = format!(r#"{{"name":"{}"}}"#, "n".repeat(1 << 20));
    document(&store, &url("wss://huge.net"), NOW, &huge).await;
    // The longest URL that is a relay's.
    let path = "p".repeat(2_048 - "wss://u.net/".len());
    document(&store, &url(&format!("wss://u.net/{path}")), NOW, "{}").await;

    for _ in 0..2 {
        execute(&mut connection, "SELECT relay_metadata_latest_refresh()").await;
        let all = HOSTILE.len() as i64 + 3;
        assert_eq!(
            count(
                &mut connection,
                "SELECT count(*) FROM relay_metadata_latest"
            )
            .await,
            all
        );
    }
    let readable = HOSTILE.iter().filter(|(_, read)| read.is_some()).count() as i64 + 3;
    let seen = "SELECT count(data) FROM relay_metadata_latest";
    assert_eq!(count(&mut connection, seen).await, readable);
    let seen = "SELECT count(data) FROM nostr.metadata";
    assert_eq!(count(&mut connection, seen).await, readable);
    let software = "SELECT length(data ->> 'software') FROM nostr.metadata WHERE data ? 'software'";
    assert_eq!(count(&mut connection, software).await, 10_000);
}

async fn given() -> (Database, PostgresStore, PgConnection) {
    let database = Database::create().await;
    let (store, connection) = (database.store().await, database.connect().await);
    (database, store, connection)
}

/// Stores a document of a relay as it is, whatever it is.
async fn document(store: &PostgresStore, url: &RelayUrl, generated_at: u64, text: &str) {
    let relay = store.promote(url, NOW).await.unwrap();
    let metadata = Metadata::new(MetadataType::Nip11Info, text.to_owned());
    let row = RelayMetadata {
        relay,
        generated_at,
        metadata,
    };
    store.add_relay_metadata(&[row]).await.unwrap();
}

fn checkpoint() -> ServiceState {
    ServiceState {
        service: ServiceName::Monitor,
        state_type: StateType::Checkpoint,
        key: "announcement".to_owned(),
        value: json!({"timestamp": 5}),
        updated_at: NOW,
    }
}

fn url(text: &str) -> RelayUrl {
    RelayUrl::parse(text).unwrap()
}
