//! Documents, and when each was current.

use bigbrotr::model::{MetadataType, RelayMetadata};
use bigbrotr::store::{CandidateStore, MetadataStore, RelayStore};
use nips::RelayUrl;
use nips::canonical_json::canonical_json;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::{NOW, given, info, url};
use crate::postgres::server::{count, refusal, text};

/// Documents and the ids that the Python system gave them.
const KNOWN_IDS: [(&str, &str); 5] = [
    (
        "{}",
        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    ),
    (
        r#"{"name": "test"}"#,
        "7d9fd2051fc32b32feab10946fab6bb91426ab7e39aa5439289ed892864aa91d",
    ),
    (
        r#"{"a": {"b": [1, 2, 3]}}"#,
        "345cbac42064615b5c54e4b502193eb847ce94a9c62ad47a463fe43d99226e3c",
    ),
    (
        r#"{"b": 2, "a": 1}"#,
        "43258cff783fe7036d8a43033f830adfc60ec037382473548ac742b888292777",
    ),
    (
        r#"{"lat": 37.751, "lon": -97.822}"#,
        "2903420b0ac00eb282d22b720079dbfcbeffb4db9a4b3c356a8c1273f6f3fda8",
    ),
];

#[tokio::test]
async fn metadata_insert_stores_what_hashes_to_its_id() {
    let (_database, _store, mut connection) = given().await;
    for (document, id) in KNOWN_IDS {
        let insert = format!(
            "SELECT metadata_insert(ARRAY['\\x{id}'::bytea], ARRAY['nip11_info'], ARRAY['{document}'::jsonb])"
        );
        assert_eq!(count(&mut connection, &insert).await, 1, "{document}");
        assert_eq!(count(&mut connection, &insert).await, 0, "{document}");
    }
    // The same document as another type is another row; one with another's id is none.
    let (document, id) = KNOWN_IDS[1];
    let (_, another) = KNOWN_IDS[2];
    let insert = format!(
        "SELECT metadata_insert(ARRAY['\\x{id}'::bytea, '\\x{another}', '\\x00'],
            ARRAY['nip66_geo', 'nip66_geo', 'nip66_geo'],
            ARRAY['{document}'::jsonb, '{document}'::jsonb, '[]'::jsonb])"
    );
    assert_eq!(count(&mut connection, &insert).await, 1);
    let forged = "SELECT count(*) FROM metadata WHERE id <> sha256(convert_to(data, 'UTF8'))";
    assert_eq!(count(&mut connection, forged).await, 0);
    assert_eq!(
        count(&mut connection, "SELECT count(*) FROM metadata").await,
        6
    );
}

#[tokio::test]
async fn a_document_nested_too_deep_is_left_out_alone() {
    let (_database, _store, mut connection) = given().await;
    let (document, id) = KNOWN_IDS[1];
    let insert = format!(
        "SELECT metadata_insert(ARRAY['\\x{id}'::bytea, '\\x00'], ARRAY['nip11_info', 'nip11_info'],
            ARRAY['{document}'::jsonb, (repeat('[', 900) || repeat(']', 900))::jsonb])"
    );
    assert_eq!(count(&mut connection, &insert).await, 1);
}

#[tokio::test]
async fn canonical_texts_are_those_of_the_program() {
    let (_database, _store, mut connection) = given().await;
    let mut runner = TestRunner::deterministic();
    for _ in 0..200 {
        let value = document().new_tree(&mut runner).unwrap().current();
        let ours = canonical_json(&value);
        let theirs = sqlx::query_scalar("SELECT canonical_json($1::jsonb)").bind(&ours);
        let theirs: String = theirs.fetch_one(&mut connection).await.unwrap();
        assert_eq!(theirs, ours);
    }
}

/// Any document whose numbers jsonb prints as the program does.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-9_999_999..9_999_999_i64).prop_map(|number| json!(number as f64 / 1_000.0)),
        ".{0,12}".prop_map(Value::from),
        r#"["\\/\n\t\x01\x7f\u{1f9c0}]{0,4}"#.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z\u{e9}\u{1f9c0}\"]{0,3}", inner, 0..5)
                .prop_map(|entries| entries.into_iter().collect()),
        ]
    })
}

#[tokio::test]
async fn relay_metadata_insert_keeps_stretches_as_the_store_does() {
    let (_database, store, mut connection) = given().await;
    let mut runner = TestRunner::deterministic();
    let histories = prop::collection::vec((0..30_u64, 0..3_usize), 1..12);
    for number in 0..24 {
        let (ours, theirs) = (
            url(&format!("wss://a{number}.net")),
            url(&format!("wss://b{number}.net")),
        );
        let relay = store.promote(&ours, NOW).await.unwrap();
        store.promote(&theirs, NOW).await.unwrap();
        let mut history = histories.new_tree(&mut runner).unwrap().current();
        // Both take a batch in the order of its moments; every other history comes one by one instead.
        if number % 2 == 0 {
            history.sort_unstable();
            history.dedup_by_key(|(moment, _)| *moment);
        }
        let portion = if number % 2 == 0 { history.len() } else { 1 };
        for portion in history.chunks(portion) {
            let rows: Vec<RelayMetadata> = portion
                .iter()
                .map(|(moment, name)| RelayMetadata {
                    relay,
                    generated_at: *moment,
                    metadata: info(*name),
                })
                .collect();
            let added = store.add_relay_metadata(&rows).await.unwrap();
            assert_eq!(
                insert_junctions(&mut connection, &theirs, &rows).await,
                added as i64
            );
        }
        let stretches = async |connection: &mut PgConnection, url: &RelayUrl| {
            let listed = format!(
                "SELECT string_agg(format('%s-%s %s', s.generated_at, s.last_generated_at, s.metadata_id),
                    ', ' ORDER BY s.generated_at)
                FROM relay_metadata AS s INNER JOIN relay AS r USING (relay_id) WHERE r.url = '{url}'"
            );
            text(connection, &listed).await
        };
        let expected = stretches(&mut connection, &ours).await;
        assert_eq!(
            stretches(&mut connection, &theirs).await,
            expected,
            "{history:?}"
        );
    }
}

async fn insert_junctions(
    connection: &mut PgConnection,
    relay: &RelayUrl,
    rows: &[RelayMetadata],
) -> i64 {
    let ids: Vec<[u8; 32]> = rows.iter().map(|row| row.metadata.id()).collect();
    let moments: Vec<i64> = rows.iter().map(|row| row.generated_at as i64).collect();
    let inserted: i32 = sqlx::query_scalar("SELECT relay_metadata_insert($1, $2, $3, $4)")
        .bind(vec![relay.as_str(); rows.len()])
        .bind(ids)
        .bind(vec!["nip11_info"; rows.len()])
        .bind(moments)
        .fetch_one(connection)
        .await
        .unwrap();
    inserted.into()
}

#[tokio::test]
async fn relay_metadata_insert_refuses_strangers() {
    let (_database, store, mut connection) = given().await;
    store.promote(&url("wss://a.net"), NOW).await.unwrap();
    let insert = "SELECT relay_metadata_insert('{wss://a.net}', ARRAY['\\x00'::bytea], '{nip11_info}', '{5}')";
    assert_eq!(refusal(&mut connection, insert).await, "23503");
    let insert = "SELECT relay_metadata_insert('{wss://b.net}', ARRAY['\\x00'::bytea], '{nip11_info}', '{5}')";
    assert_eq!(refusal(&mut connection, insert).await, "23503");
}

#[tokio::test]
async fn relay_metadata_insert_cascade_stores_all_three() {
    let (_database, store, mut connection) = given().await;
    let (document, id) = KNOWN_IDS[1];
    let insert = format!(
        "SELECT relay_metadata_insert_cascade(
            ARRAY['wss://b.net', 'wss://a.net', 'wss://a.net'], array_fill('clearnet'::text, ARRAY[3]),
            ARRAY[1, 2, 2], ARRAY['\\x{id}'::bytea, '\\x{id}', '\\x00'],
            array_fill('nip11_info'::text, ARRAY[3]), array_fill('{document}'::jsonb, ARRAY[3]),
            ARRAY[{NOW}, {NOW}, {NOW}])"
    );
    // The third document is not what its id says: it is left out, and the others are stored.
    assert_eq!(count(&mut connection, &insert).await, 2);
    assert_eq!(count(&mut connection, &insert).await, 0);
    let relay = store
        .relay_by_url(&url("wss://a.net"))
        .await
        .unwrap()
        .unwrap();
    let latest = store
        .latest_metadata(relay.id, MetadataType::Nip11Info)
        .await;
    let latest = latest.unwrap().unwrap();
    assert_eq!(latest.metadata.data(), r#"{"name":"test"}"#);
    assert_eq!(latest.generated_at, NOW);
}
