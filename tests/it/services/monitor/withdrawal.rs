//! What is taken back about a relay that turned out to be another one.

use bigbrotr::config::{MonitorConfig, PublishingConfig};
use bigbrotr::model::Alias;
use fleet::{Behaviour, MemberPlan};
use nips::{Event, Kind};

use super::super::given::{Given, HOUR, PATIENCE, cycle, plan_of};
use super::{discoveries, discovery, monitor_with, relay, signer, unhurried};

/// Three members: a relay, one that will be its alias, and an outside relay that both are told to.
async fn laboratory() -> (Given, MonitorConfig) {
    let members = [(); 3].map(|()| MemberPlan::new(Behaviour::Honest));
    let given = Given::start(plan_of(members)).await;
    given.trust_all().await;
    let config = MonitorConfig {
        publishing: PublishingConfig {
            relays: vec![given.fleet.member(2).url().clone()],
            timeout: PATIENCE,
        },
        ..unhurried()
    };
    (given, config)
}

async fn make_alias(given: &Given) {
    let alias = Alias {
        relay: relay(given, given.fleet.member(1)).await.id,
        canonical: relay(given, given.fleet.member(0)).await.id,
        evidence: "{}".to_owned(),
        found_at: given.now(),
    };
    given
        .store()
        .add_aliases(&[alias], given.now())
        .await
        .unwrap();
}

/// The deletions that the outside relay got.
fn deletions_sent(given: &Given) -> Vec<Event> {
    let mut events = given.fleet.member(2).seen().events;
    events.retain(|event| event.kind() == Kind::DELETION);
    events
}

#[tokio::test]
async fn what_was_said_of_an_alias_is_taken_back_once_here_and_outside() {
    let (given, config) = laboratory().await;
    cycle(&monitor_with(&given.context, config.clone())).await;
    let two = given.fleet.member(1).url().clone();
    let published = discoveries(&given).await;
    let (of_alias, _) = published
        .iter()
        .find(|(_, discovery)| discovery.url == two)
        .unwrap();
    make_alias(&given).await;
    given.clock.advance(60);
    let given = given.restart().await;
    let monitor = monitor_with(&given.context, config.clone());
    for _ in 0..2 {
        cycle(&monitor).await;
        given.clock.advance(HOUR);
    }
    assert!(discovery(&given, given.fleet.member(0)).await.is_some());
    assert!(discovery(&given, given.fleet.member(1)).await.is_none());
    let deletions = given.servable(&[Kind::DELETION]).await;
    let [deletion] = deletions.as_slice() else {
        panic!("{deletions:?}");
    };
    let us = signer(&given.context).public_key();
    assert_eq!(deletion.pubkey(), us);
    let address = format!("30166:{us}:{two}/");
    assert_eq!(deletion.as_ref().first_tag("a").as_deref(), Some(&*address));
    let id = of_alias.id().to_hex();
    assert_eq!(deletion.as_ref().first_tag("e").as_deref(), Some(&*id));
    assert_eq!(deletion.as_ref().first_tag("k").as_deref(), Some("30166"));
    assert_eq!(deletions_sent(&given), deletions);
    // It took the place of nothing else that waited.
    assert!(given.store().publication_counts().await.unwrap().is_empty());
}

#[tokio::test]
async fn of_an_alias_that_nothing_was_said_of_nothing_is_taken_back() {
    let (given, config) = laboratory().await;
    make_alias(&given).await;
    cycle(&monitor_with(&given.context, config)).await;
    assert_eq!(given.servable(&[Kind::DELETION]).await, []);
    assert_eq!(deletions_sent(&given), []);
    assert!(
        given
            .store()
            .aliases_to_withdraw(9)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_relay_that_is_one_again_is_published_again() {
    let (given, config) = laboratory().await;
    let monitor = monitor_with(&given.context, config);
    cycle(&monitor).await;
    make_alias(&given).await;
    given.clock.advance(HOUR);
    cycle(&monitor).await;
    let member = given.fleet.member(1);
    assert!(discovery(&given, member).await.is_none());
    let id = relay(&given, member).await.id;
    given.clock.advance(HOUR);
    given.store().release_alias(id, given.now()).await.unwrap();
    cycle(&monitor).await;
    assert!(discovery(&given, member).await.is_some());
    make_alias(&given).await;
    given.clock.advance(HOUR);
    cycle(&monitor).await;
    assert!(discovery(&given, member).await.is_none());
    assert_eq!(deletions_sent(&given).len(), 2);
}
