//! Private kinds (NIP-04, NIP-17) and protected events (NIP-70).

use bigbrotr::store::EventStore;
use bigbrotr::store::events::{
    BatchNumber, EventKey, IfProtected, Outcome, Refusal, Scope, Visibility,
};
use bigbrotr::store::sets::SetBounds;
use nips::Kind;
use nips::event::UnsignedEvent;

use super::draft::sealed;
use super::{NOW, ask, author, batch, bring, event, ids, public, submit, write};

/// Messages are for their sender and recipients, whatever the filter.
pub(crate) async fn messages_are_for_their_parties(store: &dyn EventStore) {
    let to = author(2).to_hex();
    let message = event(1, 4, 20, &[&["p", &to]]);
    let wrap = event(9, 1059, 10, &[&["p", &to]]);
    let report = write(store, &[message.clone(), wrap.clone()]).await;
    assert_eq!(report.outcomes, [Outcome::Stored(Visibility::Private); 2]);
    let by_id = format!(r#"{{"ids":["{}","{}"]}}"#, message.id(), wrap.id());
    let by_author = format!(r#"{{"authors":["{}","{}"]}}"#, author(1), author(9));
    let by_recipient = format!(r##"{{"#p":["{to}"]}}"##);
    let by_kind = r#"{"kinds":[4,1059]}"#;
    for filter in ["{}", &by_id, &by_author, &by_recipient, by_kind] {
        for (readers, expected) in [
            (vec![], vec![]),
            (vec![3], vec![]),
            (vec![1], vec![message.id()]),
            (vec![2], vec![message.id(), wrap.id()]),
            (vec![3, 9], vec![wrap.id()]),
            (vec![1, 2], vec![message.id(), wrap.id()]),
        ] {
            let scope = Scope::servable(readers.iter().copied().map(author).collect(), NOW);
            let page = ask(store, &[filter], scope.clone()).await;
            assert_eq!(ids(&page), expected, "{readers:?} {filter}");
            let filters = vec![nips::Filter::from_json(filter).unwrap()];
            let count = store
                .count(filters, scope, SetBounds::default())
                .await
                .unwrap();
            assert_eq!(
                count,
                (expected.len() as u64, false),
                "{readers:?} {filter}"
            );
        }
    }
}

/// Protected events that were found somewhere are stored and shown to nobody, and what reposts them likewise.
pub(crate) async fn protected_events_that_were_found_are_hidden(store: &dyn EventStore) {
    let protected = event(1, 1, 10, &[&["-"]]);
    let draft = UnsignedEvent {
        pubkey: author(2),
        created_at: protected.created_at(),
        kind: Kind::REPOST,
        tags: Vec::new(),
        content: protected.to_json(),
    };
    let repost = sealed(&draft);
    let report = write(store, &[protected.clone(), repost.clone()]).await;
    let hidden = Outcome::Stored(Visibility::Protected);
    assert_eq!(report.outcomes, [hidden; 2]);
    assert!(public(store, "{}").await.is_empty());
    let scope = Scope::servable(vec![author(1)], NOW);
    let by_id = format!(r#"{{"ids":["{}"]}}"#, protected.id());
    assert!(ask(store, &[&by_id], scope).await.events.is_empty());
    assert_eq!(ask(store, &["{}"], Scope::Stored).await.events.len(), 2);
    let asked = vec![EventKey::of(&protected), EventKey::of(&repost)];
    assert_eq!(
        store.brought_by_author(asked).await.unwrap(),
        [false, false]
    );
}

/// A protected event that its author brings is served like any other from then on, wherever else it is found.
pub(crate) async fn protected_events_of_their_authors_are_served(store: &dyn EventStore) {
    let (own, found) = (event(1, 1, 10, &[&["-"]]), event(2, 1, 20, &[&["-"]]));
    let report = bring(store, std::slice::from_ref(&own)).await;
    assert_eq!(report.outcomes, [Outcome::Stored(Visibility::Public)]);
    let report = write(store, &[own.clone(), found.clone()]).await;
    let hidden = Outcome::Stored(Visibility::Protected);
    assert_eq!(report.outcomes, [Outcome::Known(false), hidden]);
    assert_eq!(public(store, "{}").await, [own.id()]);

    let report = bring(store, std::slice::from_ref(&found)).await;
    assert_eq!(report.outcomes, [Outcome::Released(Visibility::Public)]);
    let number = report.batch.unwrap();
    let arrived = store
        .arrivals_after(BatchNumber(number.0 - 1), 10)
        .await
        .unwrap();
    let news: Vec<_> = arrived[0].events.iter().map(|one| one.event.id()).collect();
    assert_eq!(
        (arrived[0].number, news, arrived[0].events[0].visibility),
        (number, vec![found.id()], Visibility::Public)
    );
    assert_eq!(public(store, "{}").await, [found.id(), own.id()]);
    let asked = vec![EventKey::of(&own), EventKey::of(&found)];
    assert_eq!(store.brought_by_author(asked).await.unwrap(), [true, true]);
    let again = bring(store, std::slice::from_ref(&found)).await;
    assert_eq!(
        (again.outcomes, again.batch),
        (vec![Outcome::Known(false)], None)
    );
    assert_eq!(store.event_statistics().await.unwrap().events, 2);

    let id = found.id().to_hex();
    write(store, &[event(2, 5, 30, &[&["e", &id]])]).await;
    assert_eq!(
        submit(store, &found).await,
        Outcome::Refused(Refusal::Deleted)
    );
    assert_eq!(public(store, r#"{"kinds":[1]}"#).await, [own.id()]);
}

/// Both at once: somebody found it at the moment when its author brought it.
pub(crate) async fn bringing_and_finding_at_once_is_bringing(store: &dyn EventStore) {
    let event = event(1, 30_023, 10, &[&["-"], &["d", "x"]]);
    let mut batch = batch(vec![event.clone(), event.clone()], NOW);
    batch.events[1].if_protected = IfProtected::Show;
    store.write(batch).await.unwrap();
    assert_eq!(public(store, "{}").await, [event.id()]);
    assert_eq!(store.event_statistics().await.unwrap().events, 1);
    let newer = super::event(1, 30_023, 20, &[&["d", "x"]]);
    write(store, std::slice::from_ref(&newer)).await;
    assert_eq!(public(store, "{}").await, [newer.id()]);
}
