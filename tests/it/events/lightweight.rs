//! Lightweight mode: few kinds whole, the rest counted.

use bigbrotr::store::EventStore;
use bigbrotr::store::events::{EventKey, Outcome, QueryBounds, Scope, Visibility};
use bigbrotr::store::lmdb::{LmdbEvents, LmdbOptions};
use nips::{Filter, Kind};

use crate::contract::events::{NOW, author, event, write};

fn lightweight(directory: &tempfile::TempDir) -> LmdbEvents {
    let options = LmdbOptions {
        whole_kinds: Some(vec![Kind(10_002), Kind(0)]),
        ..LmdbOptions::at(directory.path())
    };
    LmdbEvents::open(options).unwrap()
}

#[tokio::test]
async fn other_kinds_are_known_and_never_returned() {
    let directory = tempfile::tempdir().unwrap();
    let store = lightweight(&directory);
    let (profile, note) = (event(1, 0, 10, &[]), event(1, 1, 20, &[&["t", "x"]]));
    let report = write(&store, &[profile.clone(), note.clone()]).await;
    let stored = Outcome::Stored;
    assert_eq!(
        report.outcomes,
        [stored(Visibility::Public), stored(Visibility::Stub)]
    );
    assert_eq!(
        store.known(vec![EventKey::of(&note)]).await.unwrap(),
        [true]
    );
    let by_id = format!(r#"{{"ids":["{}","{}"]}}"#, note.id(), profile.id());
    for filter in ["{}", r#"{"kinds":[0,1]}"#, &by_id] {
        for scope in [Scope::public(NOW), Scope::Stored] {
            let filters = vec![Filter::from_json(filter).unwrap()];
            let page = store
                .query(filters, scope, QueryBounds::default())
                .await
                .unwrap();
            assert_eq!(page.events, std::slice::from_ref(&profile), "{filter}");
        }
    }
    assert_eq!(store.event_statistics().await.unwrap().events, 2);
    let log = store.arrivals_after(Default::default(), 10).await.unwrap();
    assert_eq!(log[0].events.len(), 1);
}

#[tokio::test]
async fn requests_work_on_what_is_not_whole() {
    let directory = tempfile::tempdir().unwrap();
    let store = lightweight(&directory);
    let wrap = event(2, 1059, 5, &[&["p", &author(1).to_hex()]]);
    let profile = event(1, 0, 10, &[]);
    let deletion = event(1, 5, 11, &[&["e", &profile.id().to_hex()]]);
    write(&store, &[wrap, event(1, 1, 6, &[]), event(3, 1, 6, &[])]).await;
    let report = write(&store, &[profile, deletion]).await;
    assert_eq!(report.outcomes[0], Outcome::Stored(Visibility::Deleted));
    write(&store, &[event(1, 62, 20, &[&["relay", "ALL_RELAYS"]])]).await;
    let statistics = store.event_statistics().await.unwrap();
    assert_eq!(statistics.by_kind, [(Kind(1), 1), (Kind(62), 1)]);
}
