//! Subscriptions that stay open.

use bigbrotr::net::{Incoming, OpenOptions, Outcome};
use fleet::events::Generator;
use fleet::{Behaviour, MemberPlan};
use nips::Filter;
use tokio::time::Instant;

use super::{Lab, SHORT, soon};

#[tokio::test]
async fn a_tail_brings_what_is_published_until_the_relay_goes() {
    for behaviour in [Behaviour::Honest, Behaviour::Healthy] {
        let lab = Lab::of(MemberPlan::new(behaviour)).await;
        let session = lab
            .net
            .open(lab.url(), soon(), OpenOptions::default())
            .await;
        let mut session = session.unwrap();
        let newer = Filter {
            since: Some(2_000_000_000),
            ..Filter::default()
        };
        let tail = session.subscribe(&[newer], soon()).await.unwrap();
        let eose = session.next(soon()).await;
        assert!(matches!(eose, Incoming::Eose { subscription, .. } if subscription == tail));
        let quiet = session.next(Instant::now() + SHORT).await;
        assert_eq!(quiet, Incoming::Nothing);
        session.ping(soon()).await.unwrap();
        assert_eq!(session.next(soon()).await, Incoming::Pong);
        let note = Generator::new(9).note_at(2_000_000_001);
        lab.member().publish(note.clone()).await.unwrap();
        let (subscription, event) = match session.next(soon()).await {
            Incoming::Event {
                subscription,
                event,
            } => (subscription, event),
            other => panic!("{:?} sent {other:?}", lab.member().behaviour()),
        };
        assert_eq!(subscription, tail);
        assert!(event.contains(&note.id().to_hex()));
        lab.member().go_down().await;
        assert_eq!(
            session.next(soon()).await,
            Incoming::Ended(Outcome::Disconnected)
        );
    }
}

#[tokio::test]
async fn a_closed_tail_is_silent() {
    let lab = Lab::of(MemberPlan::new(Behaviour::Honest)).await;
    let session = lab
        .net
        .open(lab.url(), soon(), OpenOptions::default())
        .await;
    let mut session = session.unwrap();
    let all = session.subscribe(&[super::any(0)], soon()).await.unwrap();
    session.unsubscribe(&all);
    // What was on its way when we closed is not ours any more.
    let next = session.next(Instant::now() + SHORT).await;
    assert_eq!(next, Incoming::Nothing);
}

#[tokio::test]
async fn a_refused_tail_says_why() {
    let lab = Lab::of(MemberPlan::new(Behaviour::ClosedAuthRequired)).await;
    let session = lab
        .net
        .open(lab.url(), soon(), OpenOptions::default())
        .await;
    let mut session = session.unwrap();
    let tail = session.subscribe(&[super::any(1)], soon()).await.unwrap();
    let Incoming::Closed {
        subscription,
        message,
        ..
    } = session.next(soon()).await
    else {
        panic!("not closed");
    };
    assert_eq!(subscription, tail);
    assert_eq!(message, "auth-required: only for members");
}
