//! What people see of events, and how they find them.

use bigbrotr::store::events::Scope;
use sqlx::{Executor, Row};

use super::Database;
use super::functions::texts;
use crate::contract::events::{NOW, ask, event, event_with, write};

#[tokio::test]
async fn views_show_what_jsonb_cannot_hold_as_u_fffd() {
    let database = Database::create().await;
    let store = database.store().await;
    let content = "a\u{0}\u{0}b\\u0000\\\u{0}\u{1}\u{7f}\u{ffff}é";
    let tags: &[&[&str]] = &[&["t", content], &["x"], &["d", ""], &["tt", "y"], &[]];
    let odd = event_with(1, 1, 1_700_000_000, tags, content);
    write(&store, std::slice::from_ref(&odd)).await;
    assert_eq!(
        ask(&store, &["{}"], Scope::public(NOW)).await.events,
        std::slice::from_ref(&odd)
    );
    let shown = content.replace('\u{0}', "\u{fffd}");
    let mut sql = database.connect().await;
    let row = sql
        .fetch_one("SELECT id, pubkey, created_at, kind, tags ->> 0, tagvalues, content, sig FROM nostr.event")
        .await
        .unwrap();
    assert_eq!(row.get::<Vec<u8>, _>(0), odd.id().0);
    assert_eq!(row.get::<Vec<u8>, _>(1), odd.pubkey().0);
    assert_eq!(
        (row.get::<i64, _>(2), row.get::<i32, _>(3)),
        (1_700_000_000, 1)
    );
    let tag: Vec<String> = serde_json::from_str(row.get(4)).unwrap();
    assert_eq!(tag, ["t", &shown]);
    assert_eq!(
        row.get::<Vec<String>, _>(5),
        [format!("t:{shown}"), "d:".to_owned()]
    );
    assert_eq!(row.get::<String, _>(6), shown);
    assert_eq!(row.get::<Vec<u8>, _>(7), odd.sig().0);
}

#[tokio::test]
async fn analysts_find_tags_by_their_hash() {
    let database = Database::create().await;
    let store = database.store().await;
    let value = "\"q\"\\\n é";
    let found = event(1, 1, 10, &[&["t", value]]);
    write(&store, &[found.clone(), event(1, 1, 11, &[&["T", value]])]).await;
    let mut sql = database.connect().await;
    let call =
        sqlx::query("SELECT id FROM nostr.event WHERE tag_hashes @> ARRAY[tag_hash('t', $1)]");
    let rows = call.bind(value).fetch_all(&mut sql).await.unwrap();
    let ids: Vec<Vec<u8>> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(ids, [found.id().0]);
}

#[tokio::test]
async fn the_view_of_visibility_tells_why() {
    let database = Database::create().await;
    let store = database.store().await;
    let events = [
        event(1, 1, 10, &[]),
        event(1, 4, 11, &[]),
        event(1, 0, 12, &[]),
        event(1, 0, 13, &[]),
        event(1, 1, 14, &[&["-"]]),
        event(1, 1, 15, &[&["expiration", "20"]]),
        event(1, 5, 16, &[&["e", &event(1, 1, 17, &[]).id().to_hex()]]),
        event(1, 1, 17, &[]),
    ];
    write(&store, &events).await;
    let view = "SELECT visibility FROM nostr.event_visibility ORDER BY eid";
    let expected = [
        "public",
        "private",
        "superseded",
        "public",
        "protected",
        "expired",
        "public",
        "deleted",
    ];
    assert_eq!(texts(&mut database.connect().await, view).await, expected);
}
