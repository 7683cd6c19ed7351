//! Files: reopening, a full map, several openers.

use std::path::Path;

use bigbrotr::store::events::BatchNumber;
use bigbrotr::store::lmdb::{LmdbEvents, LmdbOptions};
use bigbrotr::store::{EventStore, StoreError};
use heed::EnvOpenOptions;
use heed::types::Bytes;
use nips::Event;

use super::fresh;
use crate::contract::events::{NOW, ask, batch, event, event_with, write};

#[tokio::test]
async fn everything_survives_reopening() {
    let (directory, store) = fresh();
    let notes: Vec<Event> = (0..500)
        .map(|second| event(1, 1, second, &[&["t", "x"]]))
        .collect();
    let deletion = event(1, 5, 900, &[&["e", &notes[7].id().to_hex()]]);
    write(&store, &notes).await;
    write(&store, &[deletion]).await;
    let scope = || bigbrotr::store::events::Scope::public(NOW);
    let filters = [r##"{"#t":["x"]}"##, r#"{"kinds":[5]}"#];
    let before = ask(&store, &filters, scope()).await;
    assert_eq!(before.events.len(), 500);
    drop(store);
    let store = LmdbEvents::open(LmdbOptions::at(directory.path())).unwrap();
    assert_eq!(ask(&store, &filters, scope()).await, before);
}

/// Changes the values of all rows of an index of a closed store. Returns how many rows told a place.
fn change_values(directory: &Path, index: &str, new: &[u8]) -> usize {
    let mut options = EnvOpenOptions::new();
    options.map_size(1 << 30).max_dbs(64);
    #[expect(unsafe_code, reason = "nobody else has the file open")]
    let env = unsafe { options.open(directory) }.unwrap();
    let mut txn = env.write_txn().unwrap();
    let table = env.open_database::<Bytes, Bytes>(&txn, Some(index));
    let table = table.unwrap().unwrap();
    let rows = table.iter(&txn).unwrap().map(Result::unwrap);
    let rows: Vec<(Vec<u8>, usize)> = rows
        .map(|(key, value)| (key.to_vec(), value.len()))
        .collect();
    for (key, _) in &rows {
        table.put(&mut txn, key, new).unwrap();
    }
    txn.commit().unwrap();
    env.prepare_for_closing().wait();
    rows.iter().filter(|(_, len)| *len > 0).count()
}

#[tokio::test]
async fn events_are_found_whatever_an_index_says_of_their_places() {
    let (directory, store) = fresh();
    let note = |second| {
        let tags: [&[&str]; 2] = [&["t", "many"], &["t", "few"]];
        event(1, 1, second, &tags[..if second < 3 { 2 } else { 1 }])
    };
    let notes: Vec<Event> = (0..300).map(note).collect();
    write(&store, &notes).await;
    let by_author = format!(r#"{{"authors":["{}"]}}"#, notes[0].pubkey());
    let by_author_kind = format!(r#"{{"authors":["{}"],"kinds":[1]}}"#, notes[0].pubkey());
    let filters = [
        by_author.as_str(),
        by_author_kind.as_str(),
        r##"{"#t":["many"]}"##,
        r##"{"#t":["few"]}"##,
    ];
    let scope = || bigbrotr::store::events::Scope::public(NOW);
    // Indexes what waits.
    store.trim_arrivals(BatchNumber(0), 0).await.unwrap();
    let mut before = Vec::new();
    for (filter, count) in filters.into_iter().zip([300, 300, 300, 3]) {
        before.push(ask(&store, &[filter], scope()).await);
        assert_eq!(before.last().unwrap().events.len(), count, "{filter}");
    }
    drop(store);
    // Nothing, as rows had it that were written earlier; and the place of another event.
    for value in [&[][..], &[0, 0, 0, 0, 0, 7]] {
        for (index, rows) in [("by_author", 300), ("by_author_kind", 300), ("by_tag", 303)] {
            let told = change_values(directory.path(), index, value);
            assert_eq!(told, if value.is_empty() { rows } else { 0 }, "{index}");
        }
        let store = LmdbEvents::open(LmdbOptions::at(directory.path())).unwrap();
        for (filter, before) in filters.iter().zip(&before) {
            assert_eq!(ask(&store, &[filter], scope()).await, *before, "{filter}");
        }
    }
}

/// Makes a closed store one of the layout before this one.
fn make_older(directory: &Path, identity: &[u8]) {
    assert_eq!(change_values(directory, "by_address", identity), 2);
    let mut options = EnvOpenOptions::new();
    options.map_size(1 << 30).max_dbs(64);
    #[expect(unsafe_code, reason = "nobody else has the file open")]
    let env = unsafe { options.open(directory) }.unwrap();
    let mut txn = env.write_txn().unwrap();
    let meta = env.open_database::<Bytes, Bytes>(&txn, Some("meta"));
    let meta = meta.unwrap().unwrap();
    let mut row = meta.get(&txn, b"format").unwrap().unwrap().to_vec();
    row[..8].copy_from_slice(&2_u64.to_be_bytes());
    meta.put(&mut txn, b"format", &row).unwrap();
    txn.commit().unwrap();
    env.prepare_for_closing().wait();
}

#[tokio::test]
async fn versions_are_superseded_that_an_older_program_stored() {
    let (directory, store) = fresh();
    let [oldest, older, newest] = [10, 20, 30].map(|second| event(1, 0, second, &[]));
    write(&store, &[oldest.clone(), older.clone()]).await;
    // Indexes what waits.
    store.trim_arrivals(BatchNumber(0), 0).await.unwrap();
    drop(store);
    // Author and identifier, of which there is none.
    make_older(directory.path(), older.pubkey().as_bytes());
    let scope = || bigbrotr::store::events::Scope::public(NOW);
    for _ in 0..2 {
        let store = LmdbEvents::open(LmdbOptions::at(directory.path())).unwrap();
        let seen = ask(&store, &[r#"{"kinds":[0]}"#], scope()).await.events;
        assert_eq!(seen, std::slice::from_ref(&older));
    }
    let store = LmdbEvents::open(LmdbOptions::at(directory.path())).unwrap();
    write(&store, std::slice::from_ref(&newest)).await;
    let seen = ask(&store, &[r#"{"kinds":[0]}"#], scope()).await.events;
    assert_eq!(seen, std::slice::from_ref(&newest));
    let address = format!("0:{}:", newest.pubkey());
    write(&store, &[event(1, 5, 40, &[&["a", &address]])]).await;
    let seen = ask(&store, &[r#"{"kinds":[0]}"#], scope()).await.events;
    assert_eq!(seen, []);
}

#[tokio::test]
async fn dropping_waits_for_what_was_handed_over() {
    for _ in 0..20 {
        let (directory, store) = fresh();
        let report = write(&store, &[event(1, 1, 10, &[])]).await;
        assert!(report.batch.is_some());
        drop(store);
        let store = LmdbEvents::open(LmdbOptions::at(directory.path())).unwrap();
        assert_eq!(store.event_statistics().await.unwrap().events, 1);
    }
}

#[tokio::test]
async fn a_full_map_is_said_and_harms_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let options = LmdbOptions {
        map_size: 1 << 20,
        ..LmdbOptions::at(directory.path())
    };
    let store = LmdbEvents::open(options).unwrap();
    write(&store, &[event(1, 1, 10, &[])]).await;
    let long = "x".repeat(100_000);
    let large = (0..20).map(|second| event_with(1, 1, second, &[], &long));
    let error = store.write(batch(large.collect(), NOW)).await.unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert_eq!(store.event_statistics().await.unwrap().events, 1);
    write(&store, &[event(1, 1, 11, &[])]).await;
    assert_eq!(store.event_statistics().await.unwrap().events, 2);
}

#[tokio::test]
async fn one_bad_batch_does_not_fail_its_neighbours() {
    let directory = tempfile::tempdir().unwrap();
    let options = LmdbOptions {
        map_size: 1 << 20,
        ..LmdbOptions::at(directory.path())
    };
    let store = LmdbEvents::open(options).unwrap();
    let long = "x".repeat(2_000_000);
    let writes = (0..20_u64).map(|second| {
        let content = if second == 10 { long.as_str() } else { "" };
        store.write(batch(vec![event_with(1, 1, second, &[], content)], NOW))
    });
    let results = futures_util::future::join_all(writes).await;
    let failed = results.iter().filter(|result| result.is_err()).count();
    assert_eq!(failed, 1);
    assert_eq!(store.event_statistics().await.unwrap().events, 19);
}

#[tokio::test]
async fn a_second_opener_is_refused() {
    let (directory, _store) = fresh();
    let error = LmdbEvents::open(LmdbOptions::at(directory.path()))
        .err()
        .unwrap();
    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
}

#[tokio::test]
async fn a_file_in_the_way_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events");
    std::fs::write(&path, "not a directory").unwrap();
    let error = LmdbEvents::open(LmdbOptions::at(&path)).err().unwrap();
    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
}
