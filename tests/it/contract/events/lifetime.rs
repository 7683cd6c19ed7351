//! NIP-09 deletion, NIP-40 expiration, NIP-62 vanishing.

use bigbrotr::store::EventStore;
use bigbrotr::store::events::{Outcome, Refusal, Scope, Visibility};

use super::{NOW, ask, author, event, ids, public, submit, write};

/// Authors delete their events by id, before they arrive or after; others cannot.
pub(crate) async fn deletion_by_id_hides(store: &dyn EventStore) {
    let (early, late, foreign) = (
        event(1, 1, 10, &[]),
        event(1, 1, 50, &[]),
        event(2, 1, 12, &[]),
    );
    let targets = [&early, &late, &foreign].map(|event| event.id().to_hex());
    let request = event(
        1,
        5,
        20,
        &[
            &["e", &targets[0]],
            &["e", &targets[1]],
            &["e", &targets[2]],
        ],
    );
    write(store, &[early.clone(), foreign.clone()]).await;
    write(store, std::slice::from_ref(&request)).await;
    let report = write(store, std::slice::from_ref(&late)).await;
    assert_eq!(report.outcomes, [Outcome::Stored(Visibility::Deleted)]);
    assert_eq!(public(store, "{}").await, [request.id(), foreign.id()]);
    let stored = ask(store, &["{}"], Scope::Stored).await;
    assert_eq!(stored.events.len(), 4);
}

/// A deleted event is not taken back from a client.
pub(crate) async fn deleted_events_are_refused_on_request(store: &dyn EventStore) {
    let note = event(1, 1, 10, &[]);
    let request = event(1, 5, 20, &[&["e", &note.id().to_hex()]]);
    assert_eq!(
        submit(store, &request).await,
        Outcome::Stored(Visibility::Public)
    );
    assert_eq!(
        submit(store, &note).await,
        Outcome::Refused(Refusal::Deleted)
    );
    assert_eq!(
        submit(store, &event(1, 1, 11, &[])).await,
        Outcome::Stored(Visibility::Public)
    );
}

/// An address hides its versions up to the request, and only those.
pub(crate) async fn deletion_by_address_hides_older_versions(store: &dyn EventStore) {
    let address = format!("30023:{}:x", author(1));
    let request = event(1, 5, 20, &[&["a", &address]]);
    let foreign = event(2, 5, 90, &[&["a", &address]]);
    let version = |second| event(1, 30_023, second, &[&["d", "x"]]);
    let other = event(1, 30_023, 10, &[&["d", "y"]]);
    write(
        store,
        &[version(10), other.clone(), request.clone(), foreign.clone()],
    )
    .await;
    let filter = r#"{"kinds":[30023]}"#;
    assert_eq!(public(store, filter).await, [other.id()]);
    let report = write(store, &[version(20)]).await;
    assert_eq!(report.outcomes, [Outcome::Stored(Visibility::Deleted)]);
    write(store, &[version(21)]).await;
    assert_eq!(public(store, filter).await, [version(21).id(), other.id()]);
}

/// Requests themselves cannot be deleted.
pub(crate) async fn requests_cannot_be_deleted(store: &dyn EventStore) {
    let first = event(1, 5, 10, &[&["e", &"01".repeat(32)]]);
    let vanish = event(1, 62, 5, &[&["relay", "ALL_RELAYS"]]);
    let targets = [&first, &vanish].map(|event| event.id().to_hex());
    let second = event(1, 5, 20, &[&["e", &targets[0]], &["e", &targets[1]]]);
    let expected = [second.id(), first.id(), vanish.id()];
    write(store, &[second, vanish, first]).await;
    assert_eq!(public(store, "{}").await, expected);
}

/// The recipient of a gift wrap may delete it.
pub(crate) async fn recipients_delete_gift_wraps(store: &dyn EventStore) {
    let (recipient, stranger) = (author(2).to_hex(), author(3));
    let wrap = event(1, 1059, 10, &[&["p", &recipient]]);
    let id = wrap.id().to_hex();
    write(store, &[wrap.clone(), event(3, 5, 11, &[&["e", &id]])]).await;
    let scope = Scope::servable(vec![author(2), stranger], NOW);
    let filter = [r#"{"kinds":[1059]}"#];
    assert_eq!(ids(&ask(store, &filter, scope.clone()).await), [wrap.id()]);
    write(store, &[event(2, 5, 12, &[&["e", &id]])]).await;
    assert!(ask(store, &filter, scope).await.events.is_empty());
}

/// Vanishing removes what the author wrote and gift wraps for them, for good, and nothing else.
pub(crate) async fn vanishing_removes_everything(store: &dyn EventStore) {
    let request = event(1, 62, 100, &[&["relay", "ALL_RELAYS"]]);
    let own = author(1).to_hex();
    let deletion = event(1, 5, 50, &[&["e", &event(1, 1, 150, &[]).id().to_hex()]]);
    let gone = [
        event(1, 1, 10, &[]),
        event(1, 0, 20, &[]),
        event(1, 0, 30, &[]),
        event(1, 4, 100, &[&["p", &author(2).to_hex()]]),
        event(1, 1, 40, &[&["-"]]),
        event(2, 1059, 60, &[&["p", &own]]),
        event(1, 62, 90, &[&["relay", "wss://other.example.com"]]),
        deletion,
    ];
    let kept = [
        event(1, 1, 150, &[]),
        event(2, 1059, 101, &[&["p", &own]]),
        event(2, 1, 70, &[&["p", &own]]),
    ];
    let before = [&gone[..], &kept[..]].concat();
    write(store, &before[..6]).await;
    write(store, &before[6..]).await;
    assert!(!public(store, "{}").await.contains(&kept[0].id()));
    write(store, std::slice::from_ref(&request)).await;
    let stored = ask(store, &["{}"], Scope::Stored).await;
    let expected = [&kept[0], &kept[1], &request, &kept[2]].map(|event| event.id());
    assert_eq!(ids(&stored), expected);
    assert!(public(store, "{}").await.contains(&kept[0].id()));
    for report in [write(store, &gone).await, write(store, &gone).await] {
        let refused = |outcome: &Outcome| *outcome == Outcome::Refused(Refusal::Vanished);
        assert!(report.outcomes.iter().all(refused), "{report:?}");
    }
    let statistics = store.event_statistics().await.unwrap();
    assert_eq!(statistics.events, 4);
    assert_eq!(
        statistics
            .by_kind
            .iter()
            .map(|(_, count)| count)
            .sum::<u64>(),
        4
    );
}

/// A request to another relay is an ordinary event.
pub(crate) async fn vanishing_elsewhere_is_no_concern(store: &dyn EventStore) {
    let note = event(1, 1, 10, &[]);
    let request = event(1, 62, 100, &[&["relay", "wss://other.example.com"]]);
    write(store, &[note.clone(), request.clone()]).await;
    assert_eq!(public(store, "{}").await, [request.id(), note.id()]);
}

/// Expired events are hidden at their second, before and after the sweep.
pub(crate) async fn expiration_hides(store: &dyn EventStore) {
    let soon = (NOW + 10).to_string();
    let past = (NOW - 10).to_string();
    let milliseconds = (NOW * 1000).to_string();
    let short_lived = event(1, 1, 10, &[&["expiration", &soon], &["t", "x"]]);
    let expired = event(1, 1, 11, &[&["expiration", &past]]);
    let unreadable = event(1, 1, 12, &[&["expiration", &milliseconds]]);
    let all = [short_lived.clone(), expired.clone(), unreadable.clone()];
    let report = write(store, &all).await;
    assert_eq!(report.outcomes[1], Outcome::Stored(Visibility::Expired));
    assert_eq!(
        public(store, "{}").await,
        [unreadable.id(), short_lived.id()]
    );
    let by_id = format!(r#"{{"ids":["{}"]}}"#, short_lived.id());
    for _ in 0..2 {
        for filter in ["{}", r##"{"#t":["x"]}"##, by_id.as_str()] {
            let page = ask(store, &[filter], Scope::public(NOW + 10)).await;
            assert!(!ids(&page).contains(&short_lived.id()), "{filter}");
        }
        store.sweep_expired(NOW + 10, 10).await.unwrap();
    }
    assert_eq!(store.sweep_expired(NOW + 10, 10).await.unwrap(), 0);
    assert_eq!(ask(store, &["{}"], Scope::Stored).await.events.len(), 3);
}
