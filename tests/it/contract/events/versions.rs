//! NIP-01: replaceable and addressable events.

use bigbrotr::store::EventStore;
use bigbrotr::store::events::{Outcome, Scope, Visibility};

use super::{ask, event, event_with, ids, public, write};

/// The newest version is served, whenever it came; all versions stay.
pub(crate) async fn newest_version_is_served(store: &dyn EventStore) {
    let [old, middle, new] = [10, 20, 30].map(|second| event(1, 0, second, &[]));
    write(store, std::slice::from_ref(&middle)).await;
    assert_eq!(public(store, r#"{"kinds":[0]}"#).await, [middle.id()]);
    let report = write(store, &[new.clone(), old.clone()]).await;
    assert_eq!(
        report.outcomes,
        [
            Outcome::Stored(Visibility::Public),
            Outcome::Stored(Visibility::Superseded),
        ]
    );
    for filter in ["{}", r#"{"kinds":[0]}"#, r#"{"since":5,"until":35}"#] {
        assert_eq!(public(store, filter).await, [new.id()], "{filter}");
    }
    assert!(
        public(store, r#"{"kinds":[0],"until":25}"#)
            .await
            .is_empty()
    );
    let by_id = format!(r#"{{"ids":["{}","{}"]}}"#, old.id(), new.id());
    assert_eq!(public(store, &by_id).await, [new.id()]);
    let stored = ask(store, &[&by_id], Scope::Stored).await;
    assert_eq!(ids(&stored), [new.id(), old.id()]);
}

/// Within one second the lowest id wins.
pub(crate) async fn lowest_id_wins_a_tie(store: &dyn EventStore) {
    let mut tied: Vec<_> = ["a", "b", "c", "d"]
        .map(|content| event_with(1, 10_002, 10, &[], content))
        .into();
    tied.sort_by_key(|event| std::cmp::Reverse(event.id()));
    for version in &tied {
        write(store, std::slice::from_ref(version)).await;
        assert_eq!(public(store, "{}").await, [version.id()]);
    }
}

/// Addressable events are kept apart by the first `d` tag; a missing one is the empty one.
pub(crate) async fn first_d_tag_is_the_identifier(store: &dyn EventStore) {
    let a = event(1, 30_023, 10, &[&["d", "a"], &["d", "b"]]);
    let b = event(1, 30_023, 11, &[&["d", "b"]]);
    let missing = event(1, 30_023, 12, &[]);
    let empty = event(1, 30_023, 13, &[&["d", ""]]);
    let valueless = event(1, 30_023, 14, &[&["d"], &["d", "a"]]);
    let other_author = event(2, 30_023, 9, &[&["d", "a"]]);
    let other_kind = event(1, 30_024, 8, &[&["d", "a"]]);
    let all = [
        &a,
        &b,
        &missing,
        &empty,
        &valueless,
        &other_author,
        &other_kind,
    ]
    .map(Clone::clone);
    write(store, &all).await;
    let expected = [&valueless, &b, &a, &other_author, &other_kind].map(|event| event.id());
    assert_eq!(public(store, "{}").await, expected);
}
