//! Private kinds (NIP-04, NIP-17) and protected events (NIP-70).

use bigbrotr::store::EventStore;
use bigbrotr::store::events::{Outcome, Scope, Visibility};

use super::{NOW, ask, author, event, ids, public, write};

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
            let count = store.count(filters, scope, 1000).await.unwrap();
            assert_eq!(
                count,
                (expected.len() as u64, false),
                "{readers:?} {filter}"
            );
        }
    }
}

/// Protected events are stored and shown to nobody.
pub(crate) async fn protected_events_are_never_served(store: &dyn EventStore) {
    let protected = event(1, 1, 10, &[&["-"]]);
    let report = write(store, std::slice::from_ref(&protected)).await;
    assert_eq!(report.outcomes, [Outcome::Stored(Visibility::Protected)]);
    assert!(public(store, "{}").await.is_empty());
    let scope = Scope::servable(vec![author(1)], NOW);
    let by_id = format!(r#"{{"ids":["{}"]}}"#, protected.id());
    assert!(ask(store, &[&by_id], scope).await.events.is_empty());
    assert_eq!(
        ids(&ask(store, &["{}"], Scope::Stored).await),
        [protected.id()]
    );
}
