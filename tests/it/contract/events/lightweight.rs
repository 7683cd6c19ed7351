//! Lightweight mode: few kinds whole, the rest counted. Each case takes a fresh store that keeps
//! [`WHOLE_KINDS`] whole.

use bigbrotr::store::EventStore;
use bigbrotr::store::events::{EventKey, Outcome, QueryBounds, Scope, Visibility};
use bigbrotr::store::sets::SetBounds;
use nips::{Filter, Kind};

use super::{NOW, author, event, write};

/// What the stores of these cases keep whole, besides requests.
pub(crate) const WHOLE_KINDS: [Kind; 2] = [Kind(10_002), Kind(0)];

/// A stub is known and counted, and never an answer.
pub(crate) async fn other_kinds_are_known_and_never_returned(store: &dyn EventStore) {
    let (profile, note) = (event(1, 0, 10, &[]), event(1, 1, 20, &[&["t", "x"]]));
    let report = write(store, &[profile.clone(), note.clone()]).await;
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
    let keys = async |scope| {
        store
            .keys(Filter::default(), scope, SetBounds::rows(10))
            .await
            .unwrap()
            .keys
    };
    assert_eq!(keys(Scope::Stored).await, [EventKey::of(&profile)]);
    assert_eq!(
        keys(Scope::Known).await,
        [EventKey::of(&note), EventKey::of(&profile)]
    );
    assert_eq!(store.event_statistics().await.unwrap().events, 2);
    let log = store.arrivals_after(Default::default(), 10).await.unwrap();
    assert_eq!(log[0].events.len(), 1);
}

/// Deletion and vanishing work on stubs, gift wraps for who vanishes among them.
pub(crate) async fn requests_work_on_what_is_not_whole(store: &dyn EventStore) {
    let wrap = event(2, 1059, 5, &[&["p", &author(1).to_hex()]]);
    let profile = event(1, 0, 10, &[]);
    let deletion = event(1, 5, 11, &[&["e", &profile.id().to_hex()]]);
    write(store, &[wrap, event(1, 1, 6, &[]), event(3, 1, 6, &[])]).await;
    let report = write(store, &[profile, deletion]).await;
    assert_eq!(report.outcomes[0], Outcome::Stored(Visibility::Deleted));
    write(store, &[event(1, 62, 20, &[&["relay", "ALL_RELAYS"]])]).await;
    let statistics = store.event_statistics().await.unwrap();
    assert_eq!(statistics.by_kind, [(Kind(1), 1), (Kind(62), 1)]);
}
