//! Rows that stopped other archives' views for ever.

use nips::Event;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sqlx::{Executor, PgConnection, Row};

use super::history::archive;
use super::{refresh, rows};
use crate::contract::events as contract;
use crate::postgres::server::Database;

/// Text that no compression makes smaller.
fn noise(length: usize) -> String {
    let mut rng = StdRng::seed_from_u64(1);
    let mut letter = || char::from(rng.random_range(b'0'..=b'z'));
    (0..length).map(|_| letter()).collect()
}

/// A document that a relay has about itself.
async fn describe(connection: &mut PgConnection, relay: i32, document: &str) {
    let add = "WITH document AS (
            INSERT INTO metadata (id, metadata_type, data)
            VALUES (sha256(convert_to($2, 'UTF8')), 'nip11_info', $2) RETURNING metadata_id
        )
        INSERT INTO relay_metadata (relay_id, metadata_type, generated_at, last_generated_at, metadata_id)
        SELECT $1, 'nip11_info', $1, $1, metadata_id FROM document";
    let add = sqlx::query(add).bind(relay).bind(document);
    add.execute(connection).await.unwrap();
}

#[tokio::test]
async fn documents_do_not_stop_a_refresh() {
    let database = Database::create().await;
    let (store, mut connection) = archive(&database).await;
    let long = format!(
        r#"{{"name":"a\u0000b","software":"{}","version":"1"}}"#,
        noise(10_240).replace('\\', "/")
    );
    let documents = [
        r#"{"supported_nips":[99999999999,-1,"1",1,1.5,50,null,{"a":1},"01"]}"#,
        &long,
        r#"{"software":"strfry","version":1,"supported_nips":[1,"x"]}"#,
        r#"{"software":"strfry","version":"","supported_nips":{"1":1},"limit":1e999999}"#,
        r#""\ud800""#,
    ];
    for (relay, document) in (1..).zip(documents) {
        describe(&mut connection, relay, document).await;
    }
    refresh(&store).await;
    let query = "SELECT nip, relay_count FROM supported_nip_counts";
    assert_eq!(rows(&mut connection, query).await, ["(1,2)", "(50,1)"]);
    let query = "SELECT left(software, 7), length(software), version, relay_count
        FROM relay_software_counts";
    let cut = format!("({},200,1,1)", &noise(7));
    let mut expected = vec![
        cut,
        // A document beyond what jsonb holds says nothing, as does one that is no object.
        "(strfry,6,unknown,1)".to_owned(),
        "(unknown,7,unknown,3)".to_owned(),
    ];
    expected.sort();
    assert_eq!(rows(&mut connection, query).await, expected);
}

#[tokio::test]
async fn events_do_not_stop_a_refresh() {
    let database = Database::create().await;
    let (store, mut connection) = archive(&database).await;
    let lengths = [0, 2_690, 2_704, 2_713, 100_000];
    let mut events: Vec<Event> = lengths
        .map(|length| contract::event(1, 30_023, 100, &[&["d", &noise(length)]]))
        .into();
    events.push(contract::event(1, 30_023, 100, &[&["d", "a\0b"]]));
    events.push(contract::event_with(2, 0, 100, &[], "\0\0\0"));
    contract::write(&store, &events).await;
    refresh(&store).await;
    let query = "SELECT length(d_tag) FROM events_addressable_latest ORDER BY 1";
    let found = connection.fetch_all(query).await.unwrap();
    let found: Vec<i32> = found.iter().map(|row| row.get(0)).collect();
    assert_eq!(found, [0, 2, 2_690, 2_704, 2_713, 100_000]);
    let query = "SELECT length(content) FROM events_replaceable_latest";
    assert_eq!(rows(&mut connection, query).await, ["(0)"]);
}
