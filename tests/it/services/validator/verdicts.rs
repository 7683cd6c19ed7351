//! What tells a relay from anything else that listens.

use std::time::Duration;

use bigbrotr::config::ValidatorConfig;
use bigbrotr::metrics::ValidationMetrics;
use bigbrotr::services::validator::Validator;
use fleet::{Access, Behaviour, Certificate, MemberPlan};
use tokio::time::Instant;

use super::super::given::{AT_ONCE, Given, SHORT, cycle, plan_of, wait_until};
use super::{validate, verdict, verdicts};

const SECOND: Duration = Duration::from_secs(1);

/// How a validator that gives it a second judges a member of that behaviour.
async fn judged(behaviour: Behaviour) -> Result<(), String> {
    let given = Given::within(SHORT, plan_of([MemberPlan::new(behaviour)])).await;
    validate(&given).await;
    verdict(&given, given.member().url()).await
}

/// A laboratory of one that is promoted without waiting for any time limit.
async fn promoted_at_once(member: MemberPlan) -> Given {
    let given = Given::of(member).await;
    let started = Instant::now();
    validate(&given).await;
    assert!(started.elapsed() < AT_ONCE);
    assert_eq!(verdict(&given, given.member().url()).await, Ok(()));
    given
}

#[tokio::test]
async fn verdicts_are_counted_by_reason() {
    let members = [
        Behaviour::Honest,
        Behaviour::Honest,
        Behaviour::NonJson,
        Behaviour::Dead,
        Behaviour::HttpOnly { status: 404 },
    ];
    let given = Given::start(plan_of(members.map(MemberPlan::new))).await;
    given.name_all().await;
    let metrics = ValidationMetrics::default();
    let config = ValidatorConfig::default();
    cycle(&Validator::new(
        given.context.clone(),
        config,
        metrics.clone(),
    ))
    .await;
    for (verdict, count) in [
        ("promoted", 2),
        ("not_nostr", 1),
        ("connect_failed", 1),
        ("upgrade_refused", 1),
        ("timed_out", 0),
    ] {
        let counted = metrics.verdicts.with_label_values(&[verdict]).get();
        assert_eq!(counted, count, "{verdict}");
    }
}

#[tokio::test]
async fn b1_a_relay_that_never_answers_is_none() {
    assert_eq!(judged(Behaviour::Silent).await, Err("no_answer".to_owned()));
}

#[tokio::test]
async fn b2_what_is_not_json_is_no_answer() {
    assert_eq!(
        judged(Behaviour::NonJson).await,
        Err("not_nostr".to_owned())
    );
}

#[tokio::test]
async fn b3_a_refusal_for_want_of_a_login_is_an_answer() {
    let given = promoted_at_once(MemberPlan::new(Behaviour::ClosedAuthRequired)).await;
    assert!(given.member().seen().auths.is_empty());
}

#[tokio::test]
async fn b4_a_relay_for_members_is_a_relay_and_nobody_logs_in() {
    let given = promoted_at_once(MemberPlan::new(Behaviour::AuthFirst)).await;
    assert!(given.member().seen().auths.is_empty());
}

#[tokio::test]
async fn any_answer_to_our_own_question_will_do() {
    for behaviour in [
        Behaviour::RateLimited { every: 1 },
        Behaviour::Liar,
        Behaviour::Endless {
            pace: Duration::from_millis(1),
        },
        Behaviour::NeedsKinds,
        Behaviour::RefusesScraping,
    ] {
        promoted_at_once(MemberPlan::new(behaviour)).await;
    }
    promoted_at_once(MemberPlan::empty()).await;
}

#[tokio::test]
async fn a_chat_server_is_no_relay() {
    let verdict = judged(Behaviour::ChatServer).await;
    assert_eq!(verdict, Err("not_nostr".to_owned()));
}

#[tokio::test]
async fn a_notice_answers_nothing() {
    let verdict = judged(Behaviour::NoticeOnly).await;
    assert_eq!(verdict, Err("notice_only".to_owned()));
}

#[tokio::test]
async fn an_answer_to_another_subscription_is_none() {
    let verdict = judged(Behaviour::WrongSubscription).await;
    assert_eq!(verdict, Err("not_nostr".to_owned()));
}

#[tokio::test]
async fn a_web_server_is_no_relay() {
    for (status, reason) in [
        (200, "upgrade_refused"),
        (404, "upgrade_refused"),
        (502, "relay_unavailable"),
    ] {
        let verdict = judged(Behaviour::HttpOnly { status }).await;
        assert_eq!(verdict, Err(reason.to_owned()), "{status}");
    }
}

#[tokio::test]
async fn an_upgrade_and_nothing_else_is_no_relay() {
    let verdict = judged(Behaviour::ImmediateDisconnect).await;
    assert_eq!(verdict, Err("disconnected".to_owned()));
}

#[tokio::test]
async fn b15_a_frame_of_fifty_megabytes_is_not_taken_in() {
    let huge = Behaviour::HugeFrame { bytes: 50 << 20 };
    let given = Given::of(MemberPlan::new(huge)).await;
    let started = Instant::now();
    validate(&given).await;
    assert!(started.elapsed() < AT_ONCE);
    let verdict = verdict(&given, given.member().url()).await;
    assert_eq!(verdict, Err("not_nostr".to_owned()));
    wait_until("the connection is closed", async || {
        given.member().seen().open_connections == 0
    })
    .await;
}

#[tokio::test]
async fn b16_a_byte_a_second_gains_nobody_a_second_deadline() {
    let deadline = 2 * SECOND;
    let tls = Access::Tls(Certificate::Valid);
    let plan = plan_of([
        MemberPlan::new(Behaviour::SlowHandshake { pace: SECOND }),
        MemberPlan::new(Behaviour::SlowFrame { pace: SECOND }),
        MemberPlan::new(Behaviour::SlowTls { pace: SECOND }).access(tls),
    ]);
    let given = Given::within(deadline, plan).await;
    let started = Instant::now();
    validate(&given).await;
    assert!(started.elapsed() >= deadline);
    assert!(started.elapsed() < 2 * deadline, "{:?}", started.elapsed());
    let reasons = verdicts(&given)
        .await
        .into_iter()
        .map(|(_, verdict)| verdict);
    let reasons: Vec<String> = reasons.map(Result::unwrap_err).collect();
    assert_eq!(reasons, ["timed_out", "no_answer", "timed_out"]);
}

#[tokio::test]
async fn one_connection_asks_one_question_and_says_goodbye() {
    let given = promoted_at_once(MemberPlan::healthy()).await;
    let member = given.member();
    wait_until("the connection is closed", async || {
        member.seen().open_connections == 0
    })
    .await;
    let seen = member.seen();
    assert_eq!((seen.connections, seen.requests.len()), (1, 1));
    assert_eq!((seen.reqs.len(), seen.closes.len()), (1, 1));
    assert_eq!(seen.reqs[0].filters.len(), 1);
    assert_eq!(seen.reqs[0].filters[0].limit, Some(1));
    assert_eq!(seen.closes[0], seen.reqs[0].subscription);
}
