//! What becomes of an event at each door.

use bigbrotr::archive::{Admission, Door};
use bigbrotr::model::RelayId;
use bigbrotr::store::events::{EventKey, Scope, Visibility};
use nips::{Filter, Kind};

use super::given::{NOW, archive, author, client, crawl, forged, note, raw, refused, tags};

const PUBLIC: Admission = Admission::Stored(Visibility::Public);

fn known(new_sighting: bool) -> Admission {
    Admission::Known { new_sighting }
}

#[tokio::test]
async fn every_input_is_answered_in_its_place() {
    let given = archive();
    let mut inputs = raw([&note(1), &note(2)]);
    inputs.insert(1, "not JSON".into());
    inputs.push(forged(&note(3)).into());
    inputs.push(note(4).to_json().replace("note 4", "note 5").into());
    let answers = given.archive.admit(inputs, crawl(1)).await.unwrap();
    assert_eq!([&answers[0], &answers[2]], [&PUBLIC, &PUBLIC]);
    let reasons = [1, 3, 4].map(|position| refused(&answers[position]));
    assert_eq!(reasons, ["not-an-object", "sig-invalid", "id-mismatch"]);
    assert_eq!(given.archive.counts().stored, 2);
    assert_eq!(given.archive.counts().refused["sig-invalid"], 1);
}

#[tokio::test]
async fn a_known_event_is_a_sighting_and_is_not_verified_again() {
    let given = archive();
    let events: Vec<_> = (0..300).map(note).collect();
    given.archive.admit(raw(&events), crawl(1)).await.unwrap();
    let verified = given.archive.counts().verified;
    let again = given.archive.admit(raw(&events), crawl(2)).await.unwrap();
    assert!(again.iter().all(|answer| *answer == known(true)));
    let same_relay = given.archive.admit(raw(&events), crawl(2)).await.unwrap();
    assert!(same_relay.iter().all(|answer| *answer == known(false)));
    assert_eq!(given.archive.counts().verified, verified);
    let sightings = given.store.sightings(events[0].id()).await.unwrap();
    let relays: Vec<RelayId> = sightings.iter().map(|sighting| sighting.relay).collect();
    assert_eq!(relays, [RelayId(1), RelayId(2)]);
}

#[tokio::test]
async fn a_stored_event_that_a_relay_only_names_is_a_sighting() {
    let given = archive();
    let events: Vec<_> = (0..3_000).map(note).collect();
    given.archive.admit(raw(&events), crawl(1)).await.unwrap();
    let mut keys: Vec<EventKey> = events.iter().map(EventKey::of).collect();
    keys.push(EventKey::of(&note(9_999)));
    for new in [3_000, 0] {
        let sighted = given.archive.sight(&keys, RelayId(2)).await.unwrap();
        assert_eq!(sighted, new);
    }
    let sightings = given.store.sightings(events[2_999].id()).await.unwrap();
    assert_eq!(sightings.len(), 2);
    let nowhere = given.store.sightings(note(9_999).id()).await.unwrap();
    assert_eq!(nowhere, []);
}

#[tokio::test]
async fn a_known_id_with_another_signature_is_only_a_sighting() {
    let given = archive();
    let event = note(1);
    given.archive.admit(raw([&event]), crawl(1)).await.unwrap();
    let copy = vec![forged(&event).into()];
    let answers = given.archive.admit(copy, crawl(2)).await.unwrap();
    assert_eq!(answers, [known(true)]);
    let filter = Filter {
        ids: Some(vec![event.id()]),
        ..Filter::default()
    };
    let scope = Scope::public(NOW);
    let page = given
        .store
        .query(vec![filter], scope, Default::default())
        .await;
    assert_eq!(page.unwrap().events, [event]);
}

#[tokio::test]
async fn twenty_relays_at_once_cost_one_verification() {
    let given = archive();
    let events: Vec<_> = (0..200).map(note).collect();
    let calls = (1..=20).map(|relay| given.archive.admit(raw(&events), crawl(relay)));
    let answers = futures_util::future::try_join_all(calls).await.unwrap();
    let stored = answers.iter().flatten().filter(|answer| **answer == PUBLIC);
    assert_eq!(stored.count(), 200);
    assert_eq!(given.archive.counts().verified, 200);
    for event in [&events[0], &events[199]] {
        assert_eq!(given.store.sightings(event.id()).await.unwrap().len(), 20);
    }
}

#[tokio::test]
async fn a_repeat_in_one_call_is_known_and_a_forgery_does_not_taint_the_true_copy() {
    let given = archive();
    let event = note(1);
    let inputs = vec![
        forged(&event).into(),
        event.to_json().into(),
        event.to_json().into(),
    ];
    let answers = given
        .archive
        .admit(inputs, Door::Import(None))
        .await
        .unwrap();
    assert_eq!(refused(&answers[0]), "sig-invalid");
    assert_eq!(answers[1..], [PUBLIC, known(false)]);
}

#[tokio::test]
async fn a_client_cannot_bring_back_what_its_author_deleted() {
    let given = archive();
    let event = note(1);
    given.archive.admit(raw([&event]), client()).await.unwrap();
    let duplicate = given.archive.admit(raw([&event]), client()).await.unwrap();
    assert_eq!(duplicate, [known(false)]);
    let targets = tags(&[&["e", &event.id().to_hex()]]);
    let deletion = author(1).sign(Kind::DELETION, NOW, targets, "");
    given
        .archive
        .admit(raw([&deletion]), client())
        .await
        .unwrap();
    let again = given.archive.admit(raw([&event]), client()).await.unwrap();
    assert_eq!(refused(&again[0]), "deleted");
    let crawled = given.archive.admit(raw([&event]), crawl(1)).await.unwrap();
    assert_eq!(crawled, [known(true)]);
}

#[tokio::test]
async fn protected_and_expired_events_are_archived_hidden_but_not_taken_from_clients() {
    let given = archive();
    let protected = author(1).sign(Kind(1), NOW, tags(&[&["-"]]), "mine");
    let past = (NOW - 1).to_string();
    let expired = author(1).sign(Kind(1), NOW - 9, tags(&[&["expiration", &past]]), "");
    let events = raw([&protected, &expired]);
    let from_client = given.archive.admit(events.clone(), client()).await.unwrap();
    let reasons: Vec<_> = from_client.iter().map(refused).collect();
    assert_eq!(reasons, ["protected", "expired"]);
    let crawled = given.archive.admit(events, crawl(1)).await.unwrap();
    let hidden = [Visibility::Protected, Visibility::Expired].map(Admission::Stored);
    assert_eq!(crawled, hidden);
}

#[tokio::test]
async fn millisecond_timestamps_and_authentication_events_pass_no_door() {
    let given = archive();
    let millis = author(1).sign(Kind(1), NOW * 1_000, Vec::new(), "");
    let auth = author(1).sign(Kind::CLIENT_AUTH, NOW, Vec::new(), "");
    for door in [client(), crawl(1), Door::Import(None), Door::Own] {
        let answers = given.archive.admit(raw([&millis, &auth]), door).await;
        let reasons: Vec<_> = answers.unwrap().iter().map(refused).collect();
        assert_eq!(reasons, ["created_at-range", "client-auth"]);
    }
}

#[tokio::test]
async fn a_parsed_event_is_verified_like_any_other() {
    let given = archive();
    let door = Door::Own;
    let admission = given.archive.admit_event(note(1), door.clone()).await;
    assert_eq!(admission.unwrap(), PUBLIC);
    let forged = nips::Event::from_json(&forged(&note(2))).unwrap();
    let admission = given.archive.admit_event(forged, door).await.unwrap();
    assert_eq!(refused(&admission), "sig-invalid");
}
