//! REQ to outcome: no ending may look like another one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bigbrotr::net::{
    Answer, Budget, ClosedPrefix, Nip67Hint, OpenOptions, Outcome, RequestOptions, RequestReport,
    Session,
};
use fleet::{Access, Behaviour, Certificate, MemberPlan};
use futures_util::SinkExt;
use nips::{Event, EventId, Filter};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::script::{Peer, Script};
use super::{A_WHILE, Lab, SHORT, SLACK, any, options, soon, with_signer};

async fn ask(lab: &Lab, open: OpenOptions, request: RequestOptions) -> RequestReport {
    let session = lab.net.open(lab.url(), soon(), open).await;
    let mut session = session.expect("the member accepts connections");
    session.fetch(&[any(500)], request).await.1
}

async fn ask_member(behaviour: Behaviour, deadline: Duration) -> RequestReport {
    let lab = Lab::of(MemberPlan::new(behaviour)).await;
    let request = options(Instant::now() + deadline);
    ask(&lab, OpenOptions::default(), request).await
}

/// A session with a scripted relay on loopback.
async fn meet(script: &Script, open: OpenOptions) -> Session {
    let lab = Lab::start(fleet::FleetPlan::new(1)).await;
    let session = lab.net.open(&script.url(), soon(), open).await;
    session.expect("the script accepts connections")
}

#[tokio::test]
async fn a_healthy_relay_ends_with_eose() {
    for access in [Access::Loopback, Access::Tls(Certificate::Valid)] {
        let lab = Lab::of(MemberPlan::healthy().access(access)).await;
        let session = lab
            .net
            .open(lab.url(), soon(), OpenOptions::default())
            .await;
        let mut session = session.unwrap();
        let (events, report) = session.fetch(&[any(500)], options(soon())).await;
        assert_eq!(report.outcome, Outcome::Eose);
        assert!(report.is_complete());
        assert_eq!(report.answer, Answer::Subscription);
        assert_eq!(report.events, events.len());
        let ids = events
            .iter()
            .map(|event| Event::from_json(event).unwrap().id());
        let ids: std::collections::BTreeSet<EventId> = ids.collect();
        assert_eq!(ids, lab.member().holds());
        assert!(report.first_event_at.unwrap() <= report.finished_at);
        assert!(report.bytes > 0);
        session.close(soon()).await;
    }
}

#[tokio::test]
async fn an_empty_relay_ends_with_eose_too() {
    let report = {
        let lab = Lab::of(MemberPlan::empty()).await;
        ask(&lab, OpenOptions::default(), options(soon())).await
    };
    assert_eq!((report.outcome, report.events), (Outcome::Eose, 0));
    assert_eq!(report.first_event_at, None);
}

#[tokio::test]
async fn b1_silence_is_no_answer() {
    let report = ask_member(Behaviour::Silent, SHORT).await;
    assert_eq!(report.outcome, Outcome::TimedOut);
    assert_eq!(report.answer, Answer::Nothing);
}

#[tokio::test]
async fn b2_noise_is_garbage() {
    for behaviour in [Behaviour::NonJson, Behaviour::ChatServer] {
        let report = ask_member(behaviour, A_WHILE).await;
        assert_eq!(report.outcome, Outcome::Garbage);
        assert_eq!(report.answer, Answer::Nothing);
        assert!(report.garbage > 0);
    }
}

#[tokio::test]
async fn a_flood_of_noise_ends_before_the_deadline() {
    let script = Script::websocket(|mut peer: Peer| async move {
        peer.hear_req().await;
        while peer.socket.send(Message::text("la")).await.is_ok() {}
    })
    .await;
    let mut session = meet(&script, OpenOptions::default()).await;
    let report = session.fetch(&[any(1)], options(soon())).await.1;
    assert_eq!(report.outcome, Outcome::Garbage);
}

#[tokio::test]
async fn notices_are_kept_and_prove_little() {
    let report = ask_member(Behaviour::NoticeOnly, A_WHILE).await;
    assert_eq!(report.outcome, Outcome::TimedOut);
    assert_eq!(report.answer, Answer::Notice);
    assert_eq!(report.notices, ["error: come back later"]);
}

#[tokio::test]
async fn eose_for_somebody_else_is_not_ours() {
    let report = ask_member(Behaviour::WrongSubscription, A_WHILE).await;
    assert_eq!(report.outcome, Outcome::Garbage);
    assert_eq!(report.answer, Answer::Nothing);
}

#[tokio::test]
async fn b3_auth_required_is_known_at_once() {
    let report = ask_member(Behaviour::ClosedAuthRequired, super::PATIENCE).await;
    let message = "auth-required: only for members".to_owned();
    assert_eq!(report.outcome, Outcome::AuthRequired { message });
    assert_eq!(report.answer, Answer::Subscription);
    assert!(report.finished_at - report.started_at < SLACK);
}

#[tokio::test]
async fn b4_login_only_when_configured() {
    let lab = Lab::of(MemberPlan::new(Behaviour::AuthFirst)).await;
    let stranger = ask(&lab, OpenOptions::default(), options(soon())).await;
    assert!(matches!(stranger.outcome, Outcome::AuthRequired { .. }));
    assert_eq!(stranger.answer, Answer::Subscription);
    assert!(lab.member().seen().auths.is_empty());
    let member = ask(&lab, with_signer(), options(soon())).await;
    assert_eq!(member.outcome, Outcome::Eose);
    assert_eq!(member.events, lab.member().holds().len());
    assert_eq!(lab.member().seen().auths.len(), 1);
}

#[tokio::test]
async fn a_challenge_after_the_refusal_is_answered() {
    let script = Script::websocket(|mut peer: Peer| async move {
        let Some(first) = peer.hear_req().await else {
            return;
        };
        peer.say(format!(r#"["CLOSED","{first}","auth-required: who?"]"#))
            .await;
        peer.say(r#"["AUTH","late"]"#.to_owned()).await;
        let Some(auth) = peer.hear().await else {
            return;
        };
        peer.say(format!(r#"["OK",{},true,""]"#, auth[1]["id"]))
            .await;
        let Some(second) = peer.hear_req().await else {
            return;
        };
        peer.say(format!(r#"["EOSE","{first}"]"#)).await;
        peer.say(format!(r#"["EVENT","{second}",{{}}]"#)).await;
        peer.say(format!(r#"["EOSE","{second}"]"#)).await;
        peer.wait().await;
    })
    .await;
    let mut session = meet(&script, with_signer()).await;
    let report = session.fetch(&[any(1)], options(soon())).await.1;
    assert_eq!((report.outcome, report.events), (Outcome::Eose, 1));
}

#[tokio::test]
async fn a_refused_login_is_auth_required() {
    let script = Script::websocket(|mut peer: Peer| async move {
        peer.say(r#"["AUTH","early"]"#.to_owned()).await;
        let Some(id) = peer.hear_req().await else {
            return;
        };
        let Some(auth) = peer.hear().await else {
            return;
        };
        peer.say(format!(r#"["CLOSED","{id}","auth-required: who?"]"#))
            .await;
        peer.say(format!(
            r#"["OK",{},false,"restricted: no"]"#,
            auth[1]["id"]
        ))
        .await;
        peer.wait().await;
    })
    .await;
    let mut session = meet(&script, with_signer()).await;
    let report = session.fetch(&[any(1)], options(soon())).await.1;
    assert!(matches!(report.outcome, Outcome::AuthRequired { .. }));
}

#[tokio::test]
async fn b5_a_rate_limit_is_a_closed_with_its_prefix() {
    let report = ask_member(Behaviour::RateLimited { every: 1 }, super::PATIENCE).await;
    let Outcome::Closed { prefix, .. } = report.outcome else {
        panic!("{:?}", report.outcome);
    };
    assert_eq!(prefix, ClosedPrefix::RateLimited);
}

#[tokio::test]
async fn b6_an_unanswered_request_times_out() {
    let report = ask_member(Behaviour::Unanswered { every: 1 }, SHORT).await;
    assert_eq!(report.outcome, Outcome::TimedOut);
}

#[tokio::test]
async fn b7_a_cut_connection_is_disconnected_with_what_came() {
    let report = ask_member(Behaviour::DisconnectAfter { events: 20 }, super::PATIENCE).await;
    assert_eq!((report.outcome, report.events), (Outcome::Disconnected, 20));
}

#[tokio::test]
async fn a_lost_session_stays_lost() {
    let lab = Lab::of(MemberPlan::new(Behaviour::ImmediateDisconnect)).await;
    let session = lab
        .net
        .open(lab.url(), soon(), OpenOptions::default())
        .await;
    let mut session = session.unwrap();
    // In a task of its own, as services do it: the futures are Send.
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        for _ in 0..2 {
            let report = session.fetch(&[any(1)], options(soon())).await.1;
            assert_eq!(report.outcome, Outcome::Disconnected);
            assert!(report.outcome.is_end_of_session());
        }
        session.close(soon()).await;
    });
    tasks.join_all().await;
}

#[tokio::test]
async fn b14_an_endless_stream_is_stopped_by_each_budget() {
    let lab = Lab::of(MemberPlan::new(Behaviour::Endless {
        pace: Duration::ZERO,
    }))
    .await;
    let exceeded = |budget| Outcome::BudgetExceeded { budget };
    let few_events = RequestOptions {
        max_events: 50,
        ..options(soon())
    };
    let report = ask(&lab, OpenOptions::default(), few_events).await;
    assert_eq!(
        (report.outcome, report.events),
        (exceeded(Budget::Events), 50)
    );
    let few_bytes = RequestOptions {
        max_bytes: 20_000,
        ..options(soon())
    };
    let report = ask(&lab, OpenOptions::default(), few_bytes).await;
    assert_eq!(report.outcome, exceeded(Budget::Bytes));
    let small_session = OpenOptions {
        max_total_bytes: 20_000,
        ..OpenOptions::default()
    };
    let report = ask(&lab, small_session, options(soon())).await;
    assert_eq!(report.outcome, exceeded(Budget::SessionBytes));
    let start = Instant::now();
    let nothing_but_time = RequestOptions {
        max_events: usize::MAX,
        max_bytes: u64::MAX,
        ..options(start + SHORT)
    };
    let endless_session = OpenOptions {
        max_total_bytes: u64::MAX,
        ..OpenOptions::default()
    };
    let report = ask(&lab, endless_session, nothing_but_time).await;
    assert_eq!(report.outcome, Outcome::TimedOut);
    assert!(start.elapsed() < SHORT + SLACK);
}

#[tokio::test]
async fn exactly_as_many_events_as_allowed_is_no_excess() {
    let lab = Lab::of(MemberPlan::new(Behaviour::Honest)).await;
    let exactly = RequestOptions {
        max_events: lab.member().holds().len(),
        ..options(soon())
    };
    let report = ask(&lab, OpenOptions::default(), exactly).await;
    assert_eq!(report.outcome, Outcome::Eose);
    assert_eq!(report.events, exactly.max_events);
}

#[tokio::test]
async fn b15_a_huge_frame_ends_the_session_unread() {
    let report = ask_member(Behaviour::HugeFrame { bytes: 50 << 20 }, super::PATIENCE).await;
    let budget = Budget::Frame;
    assert_eq!(report.outcome, Outcome::BudgetExceeded { budget });
    assert!(report.bytes < 1 << 20);
}

#[tokio::test]
async fn b16_a_dripping_frame_ends_at_the_deadline() {
    let pace = Duration::from_secs(1);
    let report = ask_member(Behaviour::SlowFrame { pace }, SHORT).await;
    assert_eq!(report.outcome, Outcome::TimedOut);
    assert!(report.finished_at - report.started_at < SHORT + SLACK);
}

#[tokio::test]
async fn pings_are_answered_and_binary_frames_are_garbage() {
    let script = Script::websocket(|mut peer: Peer| async move {
        let Some(id) = peer.hear_req().await else {
            return;
        };
        let ping = Message::Ping("are you there?".into());
        if peer.socket.send(ping).await.is_err() {
            return;
        }
        let pong = futures_util::StreamExt::next(&mut peer.socket).await;
        if matches!(pong, Some(Ok(Message::Pong(payload))) if payload == "are you there?") {
            let _ = peer.socket.send(Message::binary(vec![0; 3])).await;
            peer.say(format!(r#"["EOSE","{id}",["more"]]"#)).await;
        }
        peer.wait().await;
    })
    .await;
    let mut session = meet(&script, OpenOptions::default()).await;
    let report = session.fetch(&[any(1)], options(soon())).await.1;
    assert_eq!((report.outcome, report.garbage), (Outcome::Eose, 1));
    assert_eq!(report.hint, Some(Nip67Hint::More));
}

#[tokio::test]
async fn an_empty_closed_completes_only_a_complete_lookup_of_ids() {
    let (a, b) = (EventId([1; 32]), EventId([2; 32]));
    let script = Script::websocket(move |mut peer: Peer| async move {
        while let Some(id) = peer.hear_req().await {
            let event = format!(r#"{{"id":"{}"}}"#, a.to_hex());
            peer.say(format!(r#"["EVENT","{id}",{event}]"#)).await;
            peer.say(format!(r#"["CLOSED","{id}",""]"#)).await;
        }
    })
    .await;
    let mut session = meet(&script, OpenOptions::default()).await;
    let by_ids = |ids: &[EventId]| Filter {
        ids: Some(ids.to_vec()),
        ..Filter::default()
    };
    for (filter, is_complete) in [
        (by_ids(&[a]), true),
        (by_ids(&[a, b]), false),
        (any(1), false),
    ] {
        let report = session.fetch(&[filter], options(soon())).await.1;
        assert!(matches!(&report.outcome, Outcome::Closed { message, .. } if message.is_empty()));
        assert_eq!(report.is_complete(), is_complete);
    }
}

#[tokio::test]
async fn left_overs_of_an_earlier_request_answer_nothing() {
    let script = Script::websocket(|mut peer: Peer| async move {
        let Some(first) = peer.hear_req().await else {
            return;
        };
        let Some(second) = peer.hear_req().await else {
            return;
        };
        peer.say(format!(r#"["EVENT","{first}",{{}}]"#)).await;
        peer.say(format!(r#"["EOSE","{first}"]"#)).await;
        peer.say(format!(r#"["EVENT","{second}",{{}}]"#)).await;
        peer.say(format!(r#"["CLOSED","{second}","error: out of memory"]"#))
            .await;
        peer.wait().await;
    })
    .await;
    let mut session = meet(&script, OpenOptions::default()).await;
    let late = session
        .fetch(&[any(1)], options(Instant::now() + SHORT))
        .await
        .1;
    assert_eq!(late.outcome, Outcome::TimedOut);
    let report = session.fetch(&[any(1)], options(soon())).await.1;
    assert!(matches!(
        report.outcome,
        Outcome::Closed {
            prefix: ClosedPrefix::Error,
            ..
        }
    ));
    assert_eq!((report.events, report.garbage), (1, 0));
}

#[tokio::test]
async fn a_slow_consumer_slows_the_relay_down() {
    /// Ten times what all buffers between the script and the test can hold.
    const EVENTS: usize = 20_000;
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let script = Script::websocket(move |mut peer: Peer| {
        let counter = Arc::clone(&counter);
        async move {
            let Some(id) = peer.hear_req().await else {
                return;
            };
            let event = format!(r#"["EVENT","{id}",{{"content":"{}"}}]"#, "x".repeat(4_000));
            for _ in 0..EVENTS {
                peer.say(event.clone()).await;
                counter.fetch_add(1, Ordering::Relaxed);
            }
            peer.say(format!(r#"["EOSE","{id}"]"#)).await;
            peer.wait().await;
        }
    })
    .await;
    let mut session = meet(&script, OpenOptions::default()).await;
    let (events, mut consumer) = mpsc::channel(4);
    let slow = async {
        let mut received = 0;
        consumer.recv().await.expect("a first event");
        // The relay has stopped when its count no longer moves.
        let mut before = 0;
        loop {
            tokio::time::sleep(SHORT).await;
            let now = sent.load(Ordering::Relaxed);
            if now == before {
                break;
            }
            before = now;
        }
        assert!(before < EVENTS, "{before} events were sent to nobody");
        received += 1;
        while consumer.recv().await.is_some() {
            received += 1;
        }
        received
    };
    let request = RequestOptions {
        max_events: EVENTS,
        max_bytes: 1 << 30,
        deadline: soon() + super::PATIENCE,
    };
    let asking = async move { session.request(&[any(1)], request, &events).await };
    let (report, received) = tokio::join!(asking, slow);
    assert_eq!(report.outcome, Outcome::Eose);
    assert_eq!((report.events, received), (EVENTS, EVENTS));
}

#[tokio::test]
async fn a_consumer_that_left_ends_the_request() {
    let lab = Lab::of(MemberPlan::new(Behaviour::Honest)).await;
    let session = lab
        .net
        .open(lab.url(), soon(), OpenOptions::default())
        .await;
    let mut session = session.unwrap();
    let (events, consumer) = mpsc::channel(4);
    drop(consumer);
    let report = session.request(&[any(9)], options(soon()), &events).await;
    let budget = Budget::Consumer;
    assert_eq!(report.outcome, Outcome::BudgetExceeded { budget });
    // The session is none the worse for it.
    let report = session.fetch(&[any(9)], options(soon())).await.1;
    assert_eq!((report.outcome, report.events), (Outcome::Eose, 9));
    let seen = lab.member().seen();
    assert_eq!(seen.reqs.len(), 2);
    assert_eq!(seen.connections, 1);
}
