//! The claim audit: what a relay says about itself, held against what it does.

use std::collections::BTreeMap;
use std::time::Duration;

use bigbrotr::config::{ChecksIncluded, MonitorConfig};
use bigbrotr::model::{MetadataType, ServiceName, ServiceState, StateType};
use bigbrotr::services::CycleSummary;
use fleet::events::Author;
use fleet::{Behaviour, Conduct, Counting, Information, MemberPlan, REFUSALS, Searching, Syncing};
use nips::nip66::{Check, ClaimAudit, MonitorAnnouncement};
use nips::{Event, Kind};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::super::given::{DAY, Given, HOUR, NOW, cycle, plan_of};
use super::{discovery, document_of, monitor_with, result_of, unhurried};

/// Audits that may write, too.
fn writing() -> MonitorConfig {
    let mut config = unhurried();
    config.processing.audit.write_probe = true;
    config
}

/// Looks at a relay that has answered an hour ago.
async fn audit(given: &Given, config: &MonitorConfig) -> CycleSummary {
    given.trust_all().await;
    cycle(&monitor_with(&given.context, config.clone())).await;
    given.clock.advance(HOUR);
    cycle(&monitor_with(&given.context, config.clone())).await
}

/// Claims and observations, e.g. `nip-50` and `no`.
async fn verdicts(given: &Given) -> BTreeMap<String, String> {
    let audit: ClaimAudit = result_of(given, given.member(), MetadataType::ClaimAudit)
        .await
        .expect("an audit");
    let findings = audit.findings.into_iter();
    let verdict = findings.map(|it| (it.claim.to_string(), it.observed.as_str().to_owned()));
    verdict.collect()
}

fn expected(verdicts: &[(&str, &str)]) -> BTreeMap<String, String> {
    let verdicts = verdicts.iter();
    verdicts
        .map(|(claim, seen)| ((*claim).to_owned(), (*seen).to_owned()))
        .collect()
}

/// Text notes, more than the laboratory's relays send at once.
fn notes() -> Vec<Event> {
    let author = Author::random(&mut StdRng::seed_from_u64(1));
    let note = |number: u64| {
        let content = format!("note number {number} speaks of something");
        author.sign(Kind::TEXT_NOTE, NOW - DAY - number, vec![], content)
    };
    (0..30).map(note).collect()
}

/// A member that does so, and whose document claims everything there is.
fn member(conduct: Conduct) -> MemberPlan {
    let document = json!({
        "name": "claimant",
        "supported_nips": [1, 9, 11, 40, 42, 45, 50, 65, 67, 70, 77],
        "limitation": {
            "max_message_length": 8192, "max_subscriptions": 4, "max_filters": 3, "max_limit": 20,
            "default_limit": 20, "max_subid_length": 64, "auth_required": false, "payment_required": false,
            "restricted_writes": false, "min_pow_difficulty": 0, "created_at_upper_limit": 900,
        },
    });
    claiming(Behaviour::Conducts(conduct), document)
}

fn claiming(behaviour: Behaviour, document: Value) -> MemberPlan {
    MemberPlan::new(behaviour)
        .weight(0.0)
        .own_events(notes())
        .information(Information::Custom(document.to_string()))
}

#[tokio::test]
async fn a_relay_that_does_what_it_says_is_believed() {
    let given = Given::of(member(Conduct::exemplary())).await;
    let summary = audit(&given, &unhurried()).await;
    let seen = verdicts(&given).await;
    let expected = expected(&[
        ("nip-01", "yes"),
        ("nip-09", "untestable"),
        ("nip-11", "yes"),
        ("nip-40", "untestable"),
        ("nip-42", "untestable"),
        ("nip-45", "yes"),
        ("nip-50", "yes"),
        ("nip-65", "untestable"),
        ("nip-67", "untestable"),
        ("nip-70", "untestable"),
        ("nip-77", "yes"),
        ("max_message_length", "yes"),
        ("max_subscriptions", "yes"),
        ("max_filters", "yes"),
        ("max_limit", "yes"),
        ("max_subid_length", "yes"),
        ("default_limit", "yes"),
        ("auth_required", "yes"),
        ("payment_required", "untestable"),
        ("restricted_writes", "untestable"),
        ("min_pow_difficulty", "untestable"),
        ("created_at_upper_limit", "untestable"),
    ]);
    assert_eq!(seen, expected);
    assert_eq!(summary.count("audited"), 1);
    assert_eq!(summary.count("claims_upheld"), 12);
    assert_eq!(summary.count("claims_refuted"), 0);
    let seen = given.member().seen();
    assert!(seen.events.is_empty(), "nobody allowed to write");
    assert_eq!(
        seen.connections, 4,
        "a look is two connections, audit or not"
    );
}

#[tokio::test]
async fn a_relay_that_does_not_is_refuted() {
    let conduct = Conduct {
        counting: Counting::Puzzled,
        syncing: Some(Syncing::Blind),
        ..Conduct::careless()
    };
    let given = Given::of(member(conduct)).await;
    let summary = audit(&given, &unhurried()).await;
    let seen = verdicts(&given).await;
    let refuted: Vec<&str> = seen
        .iter()
        .filter(|(_, observed)| *observed == "no")
        .map(|(claim, _)| claim.as_str())
        .collect();
    let expected = [
        "default_limit",
        "max_filters",
        "max_limit",
        "max_message_length",
        "max_subid_length",
        "max_subscriptions",
        "nip-45",
        "nip-50",
        "nip-77",
    ];
    assert_eq!(refuted, expected);
    assert_eq!(seen["nip-01"], "yes");
    assert_eq!(summary.count("claims_refuted"), 9);
    let audit: ClaimAudit = result_of(&given, given.member(), MetadataType::ClaimAudit)
        .await
        .unwrap();
    let max_limit = audit
        .findings
        .iter()
        .find(|it| it.claim.to_string() == "max_limit");
    assert_eq!(max_limit.unwrap().measured, Some(21));
    // The evidence is kept, shortened.
    let said = audit.transcript.join("\n");
    assert!(
        said.contains(r#"< ["NOTICE","could not parse command"]"#),
        "{said}"
    );
    assert!(audit.transcript.len() <= 64);
    assert!(
        audit.transcript.iter().all(|line| line.len() <= 262),
        "{said}"
    );
}

#[tokio::test]
async fn every_way_to_lie_about_counting_and_comparing_is_told_from_silence() {
    let honest = Conduct::exemplary();
    for (counting, syncing, counts, compares) in [
        (Counting::Always(0), Some(Syncing::Garbled), "no", "no"),
        (Counting::Refused, Some(Syncing::Puzzled), "no", "no"),
        (Counting::Always(1), None, "yes", "no"),
        (
            Counting::Rightly,
            Some(Syncing::Honest { max_events: 0 }),
            "yes",
            "untestable",
        ),
    ] {
        let conduct = Conduct {
            counting,
            syncing,
            ..honest
        };
        let given = Given::of(member(conduct)).await;
        audit(&given, &unhurried()).await;
        let seen = verdicts(&given).await;
        assert_eq!(
            (&*seen["nip-45"], &*seen["nip-77"]),
            (counts, compares),
            "{conduct:?}"
        );
        assert_eq!(seen["max_limit"], "yes", "the rest goes on");
    }
}

#[tokio::test]
async fn who_never_answers_a_question_is_not_accused() {
    let conduct = Conduct {
        counting: Counting::Mute,
        searching: Searching::Blind,
        syncing: Some(Syncing::Mute),
        ..Conduct::exemplary()
    };
    let plan = plan_of([member(conduct)]);
    let given = Given::within(Duration::from_secs(2), plan).await;
    audit(&given, &unhurried()).await;
    let seen = verdicts(&given).await;
    for claim in ["nip-45", "nip-50", "nip-77"] {
        assert_eq!(seen[claim], "untestable", "{claim}");
    }
    assert_eq!(seen["nip-01"], "yes");
    assert!(seen.values().all(|observed| observed != "no"), "{seen:?}");
}

#[tokio::test]
async fn a_relay_that_sends_what_nobody_asked_for_breaks_nip_01() {
    let document = json!({ "supported_nips": [1, 11] });
    for (behaviour, observed) in [
        (Behaviour::Liar, "no"),
        (Behaviour::OldestFirst { cap: 500 }, "no"),
        (Behaviour::NeedsKinds, "untestable"),
        (Behaviour::Honest, "yes"),
    ] {
        let given = Given::of(claiming(behaviour.clone(), document.clone())).await;
        audit(&given, &unhurried()).await;
        assert_eq!(verdicts(&given).await["nip-01"], observed, "{behaviour:?}");
    }
}

#[tokio::test]
async fn an_event_that_had_expired_refutes_nip_40() {
    let author = Author::random(&mut StdRng::seed_from_u64(2));
    let at = (NOW - HOUR).to_string();
    let tags = vec![vec!["expiration".to_owned(), at]];
    let expired = author.sign(Kind::TEXT_NOTE, NOW - DAY, tags, "gone by now");
    let document = json!({ "supported_nips": [1, 40] });
    let plan = claiming(Behaviour::Honest, document).own_events(vec![expired]);
    let given = Given::of(plan).await;
    audit(&given, &unhurried()).await;
    assert_eq!(verdicts(&given).await["nip-40"], "no");
}

#[tokio::test]
async fn a_login_is_seen_in_what_is_answered_without_one() {
    let document = |is_required| {
        json!({
            "supported_nips": [1, 42, 45],
            "limitation": { "auth_required": is_required },
        })
    };
    for (behaviour, is_required, auth, challenge) in [
        (Behaviour::AuthFirst, true, "yes", "yes"),
        // Some actions may need one all the same.
        (Behaviour::AuthFirst, false, "untestable", "yes"),
        (Behaviour::Honest, true, "no", "untestable"),
        (Behaviour::Honest, false, "yes", "untestable"),
    ] {
        let given = Given::of(claiming(behaviour, document(is_required))).await;
        audit(&given, &unhurried()).await;
        let seen = verdicts(&given).await;
        assert_eq!(
            (&*seen["auth_required"], &*seen["nip-42"]),
            (auth, challenge)
        );
    }
}

#[tokio::test]
async fn a_relay_that_has_had_enough_is_asked_nothing_more() {
    let document = json!({
        "supported_nips": [1, 45, 50, 77],
        "limitation": { "max_limit": 20, "max_filters": 3, "max_subscriptions": 4 },
    });
    // The first look is one request, the second and the third are those of the audit.
    let behaviour = Behaviour::RateLimited { every: 4 };
    let given = Given::of(claiming(behaviour, document)).await;
    audit(&given, &unhurried()).await;
    let seen = verdicts(&given).await;
    assert!(
        seen.values().all(|observed| observed == "untestable"),
        "{seen:?}"
    );
    let asked = given.member().seen();
    assert_eq!((asked.reqs.len(), asked.others.len()), (4, 0));
}

#[tokio::test]
async fn a_relay_that_nobody_knows_yet_is_not_audited() {
    let given = Given::of(member(Conduct::exemplary())).await;
    given.trust_all().await;
    let summary = cycle(&monitor_with(&given.context, unhurried())).await;
    assert_eq!(summary.count("audited"), 0);
    assert_eq!(given.member().seen().reqs.len(), 1);
    assert!(
        document_of(&given, given.member(), MetadataType::ClaimAudit)
            .await
            .is_none()
    );
}

#[tokio::test]
async fn a_relay_that_wants_no_crawler_is_not_audited() {
    let document = json!({"name": "shy", "tags": ["no-archive"], "supported_nips": [1, 45]});
    let shy = claiming(Behaviour::Conducts(Conduct::exemplary()), document);
    let given = Given::of(shy).await;
    assert_eq!(audit(&given, &unhurried()).await.count("audited"), 0);
    let asked = given.member().seen();
    assert_eq!(
        (asked.reqs.len(), asked.others.len()),
        (2, 0),
        "once a look"
    );

    // Its operator may have said so in an event that a synchronizer found.
    let given = Given::of(member(Conduct::exemplary())).await;
    let wish = ServiceState {
        service: ServiceName::Synchronizer,
        state_type: StateType::Decision,
        key: given.member().url().as_str().to_owned(),
        value: json!({"wish": "no-archive"}),
        updated_at: NOW,
    };
    given.store().put_states(&[wish]).await.unwrap();
    assert_eq!(audit(&given, &unhurried()).await.count("audited"), 0);
}

#[tokio::test]
async fn an_audit_is_made_once_a_day_across_restarts_too() {
    let given = Given::of(member(Conduct::exemplary())).await;
    audit(&given, &unhurried()).await;
    let audited = given.member().seen().others.len();
    assert!(audited >= 2, "COUNT and NEG-OPEN");
    let first = document_of(&given, given.member(), MetadataType::ClaimAudit)
        .await
        .unwrap();
    let given = given.restart().await;
    for _ in 0..3 {
        given.clock.advance(HOUR);
        let summary = cycle(&monitor_with(&given.context, unhurried())).await;
        assert_eq!(
            (summary.count("succeeded"), summary.count("audited")),
            (1, 0)
        );
    }
    assert_eq!(given.member().seen().others.len(), audited);
    let published = discovery(&given, given.member()).await.unwrap();
    assert!(
        published.claims.is_some(),
        "what was observed is still said"
    );
    given.wait_for(NOW + HOUR + DAY);
    let summary = cycle(&monitor_with(&given.context, unhurried())).await;
    assert_eq!(summary.count("audited"), 1);
    // The same verdicts are the same document, whatever was said.
    let second = document_of(&given, given.member(), MetadataType::ClaimAudit)
        .await
        .unwrap();
    assert_eq!(second.metadata.id(), first.metadata.id());
    assert_eq!(second.generated_at, NOW + HOUR + DAY);
}

#[tokio::test]
async fn what_was_observed_is_published_until_the_document_claims_otherwise() {
    let conduct = Conduct {
        counting: Counting::Puzzled,
        ..Conduct::exemplary()
    };
    let given = Given::of(member(conduct)).await;
    audit(&given, &unhurried()).await;
    let published = discovery(&given, given.member()).await.unwrap();
    let claims = published.claims.unwrap();
    assert!(claims.refutes(45) && !claims.refutes(77));
    assert!(claims.transcript.is_empty());
    assert!(!published.nips.contains(&45), "{:?}", published.nips);
    assert!(published.nips.contains(&77));
    // A reader who wants those that count.
    let events = given.servable(&[Kind::RELAY_DISCOVERY]).await;
    let labels: Vec<String> = events[0]
        .as_ref()
        .tags()
        .iter()
        .map(|tag| tag.join(" "))
        .collect();
    for label in [
        "L nip66.label.claim",
        "l nip-45:no nip66.label.claim",
        "l nip-77:yes nip66.label.claim",
        "l max_limit:yes nip66.label.claim",
        "l nip-65:untestable nip66.label.claim",
    ] {
        assert!(labels.iter().any(|it| it == label), "{label}: {labels:?}");
    }
}

#[tokio::test]
async fn with_permission_to_write_the_rest_is_seen_and_nothing_stays() {
    let conduct = Conduct {
        latest: Some(NOW + HOUR + 900),
        ..Conduct::exemplary()
    };
    let given = Given::of(member(conduct)).await;
    audit(&given, &writing()).await;
    let seen = verdicts(&given).await;
    for claim in [
        "nip-09",
        "nip-40",
        "nip-70",
        "payment_required",
        "restricted_writes",
        "min_pow_difficulty",
        "created_at_upper_limit",
    ] {
        assert_eq!(seen[claim], "yes", "{claim}: {seen:?}");
    }
    let written = given.member().seen().events;
    assert!(written.len() <= 6, "{written:?}");
    let deletion = written.last().unwrap();
    assert_eq!(deletion.kind(), Kind::DELETION);
    for event in &written[..written.len() - 1] {
        assert_eq!(event.kind(), Kind(30_078));
        assert!(event.as_ref().first_tag("expiration").is_some());
    }
}

#[tokio::test]
async fn a_relay_that_takes_and_keeps_everything_breaks_those_rules() {
    let given = Given::of(member(Conduct::careless())).await;
    audit(&given, &writing()).await;
    let seen = verdicts(&given).await;
    for claim in ["nip-09", "nip-40", "nip-70", "created_at_upper_limit"] {
        assert_eq!(seen[claim], "no", "{claim}: {seen:?}");
    }
}

#[tokio::test]
async fn a_refusal_to_be_written_to_says_why() {
    let document = |is_restricted| {
        json!({
            "supported_nips": [1, 9],
            "limitation": {
                "restricted_writes": is_restricted, "payment_required": false, "min_pow_difficulty": 30,
            },
        })
    };
    for (reason, is_restricted, [restricted, payment, work]) in [
        (REFUSALS[0], true, ["yes", "untestable", "untestable"]),
        (REFUSALS[1], true, ["yes", "untestable", "yes"]),
        (REFUSALS[3], false, ["no", "untestable", "untestable"]),
        (
            REFUSALS[4],
            true,
            ["untestable", "untestable", "untestable"],
        ),
        (REFUSALS[5], false, ["no", "no", "untestable"]),
    ] {
        let behaviour = Behaviour::Refuses { reason };
        let given = Given::of(claiming(behaviour, document(is_restricted))).await;
        audit(&given, &writing()).await;
        let seen = verdicts(&given).await;
        assert_eq!(seen["restricted_writes"], restricted, "{reason}");
        assert_eq!(seen["payment_required"], payment, "{reason}");
        assert_eq!(seen["min_pow_difficulty"], work, "{reason}");
        assert_eq!(seen["nip-09"], "untestable");
        assert_eq!(
            given.member().seen().events.len(),
            1,
            "one attempt is enough"
        );
    }
}

#[tokio::test]
async fn somebody_elses_relay_is_judged_rightly() {
    let document = json!({
        "supported_nips": [1, 9, 11, 40, 45, 50, 77],
        "limitation": { "auth_required": false, "max_limit": 500 },
    });
    let given = Given::of(claiming(Behaviour::Healthy, document)).await;
    audit(&given, &unhurried()).await;
    let seen = verdicts(&given).await;
    let expected = expected(&[
        ("nip-01", "yes"),
        ("nip-09", "untestable"),
        ("nip-11", "yes"),
        ("nip-40", "untestable"),
        ("nip-45", "yes"),
        ("nip-50", "yes"),
        ("nip-77", "yes"),
        ("auth_required", "yes"),
        ("max_limit", "untestable"),
    ]);
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn what_is_switched_off_is_neither_done_nor_announced() {
    let given = Given::of(member(Conduct::exemplary())).await;
    let mut config = unhurried();
    config.processing.compute = ChecksIncluded {
        claim_audit: false,
        ..ChecksIncluded::ALL
    };
    let announced = async || {
        let events = given.servable(&[Kind::MONITOR_ANNOUNCEMENT]).await;
        let said = MonitorAnnouncement::parse(&events[0].as_ref()).unwrap();
        said.checks.contains(&Check::Audit)
    };
    let summary = audit(&given, &config).await;
    assert_eq!(summary.count("audited"), 0);
    assert!(!announced().await);
    assert_eq!(given.member().seen().others.len(), 0);
    given.clock.advance(DAY);
    let summary = cycle(&monitor_with(&given.context, unhurried())).await;
    assert_eq!(summary.count("audited"), 1);
    assert!(announced().await);
}
