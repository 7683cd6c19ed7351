//! Events made to hurt an index, a text or a view.

use bigbrotr::store::EventStore;
use bigbrotr::store::events::{Outcome, Scope, Visibility};
use nips::{Event, Filter};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sqlx::{Executor, Row};

use super::Database;
use crate::contract::events::{NOW, ask, event, event_with, write};

/// Text that nothing makes shorter.
fn noise(length: usize) -> String {
    let mut rng = StdRng::seed_from_u64(length as u64);
    let letter = |_| char::from(rng.random_range(b'0'..=b'z'));
    (0..length).map(letter).collect()
}

/// CJK text: three bytes a character.
fn ideographs(length: usize) -> String {
    let mut rng = StdRng::seed_from_u64(length as u64);
    let ideograph = |_| char::from_u32(rng.random_range(0x4e00..0x9fff)).unwrap();
    (0..length).map(ideograph).collect()
}

fn hostile() -> Vec<Event> {
    let (long, megabyte) = (noise(2_690), noise(1 << 20));
    let (many, wide) = (ideographs(900), ideographs(2_048));
    let nul = "\u{0}a\u{0}\u{0}";
    let crowd: Vec<String> = (0..9_000).map(|number| format!("{number}")).collect();
    let crowd: Vec<[&str; 2]> = crowd.iter().map(|value| ["t", value.as_str()]).collect();
    let crowd: Vec<&[&str]> = crowd.iter().map(<[&str; 2]>::as_slice).collect();
    vec![
        event(1, 1, 10, &[&["x", &many]]),
        event(1, 1, 11, &[&["t", &wide]]),
        event(1, 1, 12, &[&["t", &megabyte]]),
        event(1, 30_023, 13, &[&["d", &long]]),
        event(1, 30_023, 14, &[&["d", &megabyte]]),
        event(1, 30_023, 15, &[&["d", nul]]),
        event(1, 1, 16, &[&["t", nul], &[nul, "x"], &["e", nul]]),
        event_with(1, 1, 17, &[], nul),
        event_with(1, 1, 18, &[], &megabyte),
        event(1, 1, 19, &crowd),
        event(
            1,
            1,
            20,
            &[&["expiration", &megabyte], &["-x"], &["["], &["\"]"]],
        ),
        event(1, 1, 21, &[&[], &[""], &["", ""], &["t"], &["t", ""]]),
    ]
}

#[tokio::test]
async fn hostile_events_are_stored_found_and_shown() {
    let database = Database::create().await;
    let store = database.store().await;
    let hostile = hostile();
    let report = write(&store, &hostile).await;
    let stored = Outcome::Stored(Visibility::Public);
    assert_eq!(report.outcomes, vec![stored; hostile.len()]);
    for event in &hostile {
        let mut filters = vec![format!(r#"{{"ids":["{}"]}}"#, event.id())];
        for (letter, value) in event.as_ref().indexed_tags().iter().take(3) {
            let mut filter = Filter::default();
            let values = vec![value.clone().into_owned()];
            filter.tags.insert(*letter, values);
            // Ids and keys are all that `e` and `p` take; the store is asked all the same.
            if !matches!(letter, b'e' | b'p') {
                filters.push(filter.to_json());
            }
        }
        for filter in filters {
            let page = ask(&store, &[&filter], Scope::public(NOW)).await;
            assert!(page.events.contains(event), "{event:?}");
        }
    }
    let versions = ask(&store, &[r#"{"kinds":[30023]}"#], Scope::public(NOW)).await;
    assert_eq!(versions.events.len(), 3);
    let again: Vec<Event> = hostile.iter().map(again).collect();
    let report = write(&store, &again).await;
    assert_eq!(report.outcomes, vec![stored; again.len()]);
    let versions = ask(&store, &[r#"{"kinds":[30023]}"#], Scope::public(NOW)).await;
    assert_eq!(versions.events.len(), 3);
    assert!(versions.events.iter().all(|event| again.contains(event)));

    let mut sql = database.connect().await;
    let shown = "SELECT sum(length(tags::text)), sum(cardinality(tagvalues)), sum(length(content))
        FROM nostr.event";
    sql.fetch_one(shown).await.unwrap();
    let count = "SELECT count(*) FROM nostr.event_visibility WHERE visibility = 'superseded'";
    assert_eq!(sql.fetch_one(count).await.unwrap().get::<i64, _>(0), 3);
}

/// The same a minute later: another event, with the same address if it has one.
fn again(event: &Event) -> Event {
    let event = event.as_ref();
    let tags = event.tags();
    let tags: Vec<Vec<&str>> = tags
        .iter()
        .map(|tag| tag.iter().map(AsRef::as_ref).collect())
        .collect();
    let tags: Vec<&[&str]> = tags.iter().map(Vec::as_slice).collect();
    let (kind, second) = (event.kind.0, event.created_at + 60);
    event_with(1, kind, second, &tags, &event.content())
}

#[tokio::test]
async fn hostile_events_come_through_sql() {
    let database = Database::create().await;
    let store = database.store().await;
    let is_text = |event: &Event| !event.to_json().contains("\\u0000");
    let hostile: Vec<Event> = hostile().into_iter().filter(is_text).collect();
    let mut sql = database.connect().await;
    let stored = super::functions::insert(&mut sql, &hostile).await;
    assert_eq!(stored as usize, hostile.len());
    let mut expected = hostile.clone();
    expected.reverse();
    assert_eq!(ask(&store, &["{}"], Scope::Stored).await.events, expected);
    let known = store
        .write(crate::contract::events::batch(hostile, NOW))
        .await;
    let known = known.unwrap().outcomes;
    assert!(
        known
            .iter()
            .all(|outcome| *outcome == Outcome::Known(false))
    );
}
