//! What is announced, and when.

use bigbrotr::archive::Admission;
use bigbrotr::store::events::{BatchNumber, Visibility};
use nips::Kind;

use super::given::{NOW, archive, author, client, crawl, note, raw, tags};

#[tokio::test]
async fn servable_events_are_announced_with_the_batch_they_arrived_in() {
    let given = archive();
    let mut feed = given.archive.subscribe();
    let new = author(1).sign(Kind::METADATA, NOW, Vec::new(), "{}");
    let old = author(1).sign(Kind::METADATA, NOW - 5, Vec::new(), "{}");
    let protected = author(1).sign(Kind(1), NOW, tags(&[&["-"]]), "");
    let events = raw([&old, &new, &protected]);
    given.archive.admit(events, crawl(1)).await.unwrap();
    let announcement = feed.try_recv().unwrap();
    let ids: Vec<_> = announcement
        .events
        .iter()
        .map(|live| live.event.id())
        .collect();
    assert!(ids.contains(&new.id()) && !ids.contains(&protected.id()));
    let newest = given.store.arrival_bounds().await.unwrap().0;
    assert_eq!(announcement.batch, Some(newest));
    assert!(newest > BatchNumber(0));
    given.archive.admit(raw([&new]), crawl(2)).await.unwrap();
    assert!(feed.try_recv().is_err(), "a known event is no news");
}

#[tokio::test]
async fn what_came_too_late_to_be_current_is_not_announced() {
    let given = archive();
    let new = author(1).sign(Kind::METADATA, NOW, Vec::new(), "{}");
    given.archive.admit(raw([&new]), crawl(1)).await.unwrap();
    let mut feed = given.archive.subscribe();
    let old = author(1).sign(Kind::METADATA, NOW - 5, Vec::new(), "{}");
    let answers = given.archive.admit(raw([&old]), crawl(1)).await.unwrap();
    assert_eq!(answers, [Admission::Stored(Visibility::Superseded)]);
    assert!(feed.try_recv().is_err());
}

#[tokio::test]
async fn ephemeral_events_are_delivered_once_and_never_stored() {
    let given = archive();
    let mut feed = given.archive.subscribe();
    let event = author(1).sign(Kind(20_001), NOW, Vec::new(), "hello");
    let first = given.archive.admit(raw([&event]), client()).await.unwrap();
    assert_eq!(first, [Admission::Delivered]);
    for door in [client(), crawl(1)] {
        let again = given.archive.admit(raw([&event]), door).await.unwrap();
        assert_eq!(
            again,
            [Admission::Known {
                new_sighting: false
            }]
        );
    }
    let announcement = feed.try_recv().unwrap();
    assert_eq!(announcement.batch, None);
    assert_eq!(announcement.events[0].json(), event.to_json());
    assert!(feed.try_recv().is_err());
    assert_eq!(given.store.event_statistics().await.unwrap().events, 0);
}

#[tokio::test]
async fn large_batches_are_announced_in_pieces() {
    let given = archive();
    let mut feed = given.archive.subscribe();
    let events: Vec<_> = (0..1_100).map(note).collect();
    given.archive.admit(raw(&events), crawl(1)).await.unwrap();
    let mut announced = 0;
    while let Ok(announcement) = feed.try_recv() {
        assert!(announcement.events.len() <= 512);
        announced += announcement.events.len();
    }
    assert_eq!(announced, 1_100);
}
