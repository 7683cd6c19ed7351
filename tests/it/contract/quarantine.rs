//! What could not be stored.

use bigbrotr::model::RelayId;
use bigbrotr::store::RelationalStore;
use bigbrotr::store::quarantine::{KEPT_QUARANTINED, QuarantinedEvent};
use nips::EventId;

use crate::contract::given::NOW;

pub(super) async fn what_is_kept_aside_is_read_back(store: &dyn RelationalStore) {
    assert_eq!(store.quarantined(10).await.unwrap(), []);
    assert_eq!(store.quarantine(&[]).await.unwrap(), 0);
    let whole = event(1, NOW);
    let sighting = QuarantinedEvent {
        event: None,
        ..event(2, NOW + 1)
    };
    let without_a_relay = QuarantinedEvent {
        relay: None,
        ..event(3, NOW + 2)
    };
    let kept = [whole, sighting, without_a_relay];
    assert_eq!(store.quarantine(&kept).await.unwrap(), 3);
    let mut newest_first = kept;
    newest_first.reverse();
    assert_eq!(store.quarantined(10).await.unwrap(), newest_first);
    assert_eq!(store.quarantined(1).await.unwrap(), newest_first[..1]);
    assert_eq!(store.quarantined_count().await.unwrap(), 3);
}

pub(super) async fn the_first_reason_stays(store: &dyn RelationalStore) {
    let first = event(1, NOW);
    let again = QuarantinedEvent {
        reason: "another one".to_owned(),
        ..event(1, NOW + 1)
    };
    let added = store.quarantine(&[first.clone(), again.clone()]).await;
    assert_eq!(added.unwrap(), 1);
    assert_eq!(store.quarantine(&[again]).await.unwrap(), 0);
    assert_eq!(store.quarantined(10).await.unwrap(), [first]);
}

pub(super) async fn only_the_newest_stay_aside(store: &dyn RelationalStore) {
    let many = u64::from(KEPT_QUARANTINED) + 20;
    let events: Vec<QuarantinedEvent> = (0..many).map(|number| event(number, number)).collect();
    for part in events.chunks(300) {
        store.quarantine(part).await.unwrap();
    }
    assert_eq!(
        store.quarantined_count().await.unwrap(),
        u64::from(KEPT_QUARANTINED)
    );
    let kept = store.quarantined(usize::MAX).await.unwrap();
    assert_eq!(kept.first(), events.last());
    assert_eq!(kept.last(), Some(&events[20]));
}

/// One of many, with text that no column of text would take.
fn event(number: u64, quarantined_at: u64) -> QuarantinedEvent {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&number.to_le_bytes());
    QuarantinedEvent {
        id: EventId(id),
        event: Some(format!("{{\"content\":\"\u{0}{number}\"}}")),
        relay: Some(RelayId(7)),
        reason: format!("number {number}"),
        quarantined_at,
    }
}
