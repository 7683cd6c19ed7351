//! EVENT to OK.

use bigbrotr::net::{ClosedPrefix, OpenOptions, PublishOutcome};
use fleet::events::Generator;
use fleet::{Behaviour, MemberPlan};
use nips::Event;
use tokio::time::Instant;

use super::script::{Peer, Script};
use super::{Lab, SHORT, soon, with_signer};

fn note() -> Event {
    Generator::new(3).note_at(1_700_000_000)
}

async fn publish(lab: &Lab, open: OpenOptions) -> PublishOutcome {
    let session = lab.net.open(lab.url(), soon(), open).await;
    let mut session = session.expect("the member accepts connections");
    let note = note();
    session.publish(note.id(), &note.to_json(), soon()).await
}

#[tokio::test]
async fn an_event_is_taken_and_then_a_duplicate() {
    let lab = Lab::of(MemberPlan::new(Behaviour::Honest)).await;
    assert!(publish(&lab, OpenOptions::default()).await.is_accepted());
    assert!(lab.member().stored().await.unwrap().contains(&note().id()));
    let again = publish(&lab, OpenOptions::default()).await;
    assert!(again.is_accepted());
    assert!(matches!(
        again,
        PublishOutcome::Answered {
            prefix: ClosedPrefix::Duplicate,
            ..
        }
    ));
}

#[tokio::test]
async fn b26_a_refusal_has_its_prefix() {
    let reason = "blocked: you are not welcome";
    let lab = Lab::of(MemberPlan::new(Behaviour::Refuses { reason })).await;
    let outcome = publish(&lab, OpenOptions::default()).await;
    let refused = PublishOutcome::Answered {
        accepted: false,
        prefix: ClosedPrefix::Blocked,
        message: reason.to_owned(),
    };
    assert_eq!(outcome, refused);
}

#[tokio::test]
async fn only_the_ok_of_this_event_counts() {
    let script = Script::websocket(|mut peer: Peer| async move {
        peer.hear().await;
        peer.say(format!(r#"["OK","{}",true,""]"#, "ab".repeat(32)))
            .await;
        peer.wait().await;
    })
    .await;
    let lab = Lab::start(fleet::FleetPlan::new(1)).await;
    let session = lab
        .net
        .open(&script.url(), soon(), OpenOptions::default())
        .await;
    let mut session = session.unwrap();
    let (note, deadline) = (note(), Instant::now() + SHORT);
    let outcome = session.publish(note.id(), &note.to_json(), deadline).await;
    assert_eq!(outcome, PublishOutcome::TimedOut);
}

#[tokio::test]
async fn a_relay_that_wants_auth_gets_it_when_configured() {
    let script = Script::websocket(|mut peer: Peer| async move {
        peer.say(r#"["AUTH","who are you?"]"#.to_owned()).await;
        let mut is_known = false;
        while let Some(message) = peer.hear().await {
            is_known |= message[0] == "AUTH";
            let text = if is_known { "" } else { "auth-required: who?" };
            peer.say(format!(
                r#"["OK",{},{is_known},"{text}"]"#,
                message[1]["id"]
            ))
            .await;
        }
    })
    .await;
    let lab = Lab::start(fleet::FleetPlan::new(1)).await;
    let note = note();
    for (open, is_accepted) in [(OpenOptions::default(), false), (with_signer(), true)] {
        let mut session = lab.net.open(&script.url(), soon(), open).await.unwrap();
        let outcome = session.publish(note.id(), &note.to_json(), soon()).await;
        assert_eq!(outcome.is_accepted(), is_accepted, "{outcome:?}");
        let is_refused = matches!(outcome, PublishOutcome::AuthRequired { .. });
        assert_eq!(is_refused, !is_accepted);
    }
}
