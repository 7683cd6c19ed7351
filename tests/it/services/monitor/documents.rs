//! NIP-11 documents: what is read from strangers, what is kept of it, and how often.

use std::time::Duration;

use bigbrotr::config::{ChecksIncluded, MonitorConfig, MonitorProcessing, SynchronizerConfig};
use bigbrotr::services::synchronizer::Synchronizer;
use fleet::{Access, Behaviour, Certificate, Information, MemberPlan, Redirect};
use nips::Kind;
use serde_json::json;
use tokio::time::Instant;

use super::super::given::{AT_ONCE, DAY, Given, HOUR, NOW, cycle, plan_of};
use super::{discovery, document, information, look, look_with, monitor, relay, samples, writing};

async fn documented(document: Information) -> Given {
    let given = Given::of(MemberPlan::healthy().information(document)).await;
    look(&given).await;
    given
}

/// The relay answers and is published, and no document of it is.
async fn assert_online_without_document(given: &Given) {
    let member = given.member();
    assert!(document(given, member).await.is_none());
    assert!(samples(given, member).await[0].read_ms.is_some());
    let discovery = discovery(given, member).await.unwrap();
    assert_eq!(discovery.information, None);
}

#[tokio::test]
async fn a_document_is_read_and_stored_in_canonical_form() {
    let given = documented(Information::Ordinary).await;
    let member = given.member();
    let stored = document(&given, member).await.unwrap();
    assert_eq!(stored.generated_at, NOW);
    let read = information(&given, member).await.unwrap();
    assert_eq!(read.name.as_deref(), Some(member.name()));
    assert_eq!(stored.metadata.data(), read.to_json());
    // B29: our laboratory writes its headers in lower case.
    let asked = member.seen().requests;
    let accept = asked.iter().filter_map(|it| it.accept.as_deref());
    assert_eq!(accept.collect::<Vec<_>>(), ["application/nostr+json"]);
}

#[tokio::test]
async fn a_look_is_one_websocket_and_one_request() {
    let given = documented(Information::Ordinary).await;
    let seen = given.member().seen();
    assert_eq!((seen.connections, seen.requests.len()), (2, 2));
    let upgrades = seen.requests.iter().filter(|request| request.is_upgrade);
    assert_eq!(upgrades.count(), 1);
    assert_eq!(seen.reqs.len(), 1);
    assert!(seen.events.is_empty(), "nobody asked for a write probe");
}

#[tokio::test]
async fn b19_zeros_and_lone_surrogates_are_cleaned_away() {
    for (document_of, description) in [
        (Information::NulCharacter, "ab"),
        (Information::LoneSurrogate, "\u{fffd} alone"),
    ] {
        let given = documented(document_of).await;
        let read = information(&given, given.member()).await.unwrap();
        assert_eq!(read.description.as_deref(), Some(description));
        let stored = document(&given, given.member()).await.unwrap();
        assert!(!stored.metadata.data().contains("\\u0000"));
        let published = discovery(&given, given.member()).await.unwrap();
        assert_eq!(published.information, Some(read));
    }
}

#[tokio::test]
async fn b19_a_name_of_a_megabyte_is_not_taken_in() {
    let given = documented(Information::HugeName).await;
    assert_online_without_document(&given).await;
    // One that passes as a whole is cut.
    let long = json!({ "name": "n".repeat(100_000) }).to_string();
    let given = documented(Information::Custom(long)).await;
    let read = information(&given, given.member()).await.unwrap();
    assert_eq!(read.name, Some("n".repeat(256)));
}

#[tokio::test]
async fn b20_impossible_work_is_not_begun() {
    let given = Given::of(MemberPlan::healthy().information(Information::ImpossibleWork)).await;
    let started = Instant::now();
    look_with(&given, writing()).await;
    assert!(started.elapsed() < AT_ONCE);
    let member = given.member();
    assert!(member.seen().events.is_empty());
    assert_eq!(samples(&given, member).await[0].write_ms, None);
    let discovery = discovery(&given, member).await.unwrap();
    assert_eq!(discovery.requirements.pow, Some(true));
}

#[tokio::test]
async fn b21_numbers_and_texts_beyond_all_bounds_are_dropped_or_cut() {
    let given = documented(Information::WildNumbers).await;
    let read = information(&given, given.member()).await.unwrap();
    assert_eq!(read.supported_nips, [1, 11, 42]);
    assert_eq!(read.limitation.max_limit, None);
    assert_eq!(read.limitation.max_subscriptions, None);
    let software = read.software.unwrap();
    assert!(software.starts_with("software0") && software.len() <= 1_024);
    let published = discovery(&given, given.member()).await.unwrap();
    assert_eq!(published.nips, [1, 11, 42]);
}

#[tokio::test]
async fn b22_a_redirect_is_no_document_and_leads_nowhere() {
    let local = Access::Loopback;
    let named = Access::Tls(Certificate::Valid);
    for (target, access) in [
        (Redirect::Loopback, &local),
        (Redirect::Loopback, &named),
        (Redirect::MetadataService, &local),
        (Redirect::MetadataService, &named),
        (Redirect::Itself, &local),
        (Redirect::Itself, &named),
    ] {
        let member = MemberPlan::healthy().access(access.clone());
        let given = Given::of(member.information(Information::Redirected(target))).await;
        look(&given).await;
        assert_online_without_document(&given).await;
        assert_eq!(given.fleet.canary().visits(), 0, "{target:?}");
        let asked = given.member().seen().requests;
        assert_eq!(asked.iter().filter(|asked| !asked.is_upgrade).count(), 1);
    }
}

#[tokio::test]
async fn b16_a_dripping_document_ends_with_the_look() {
    let deadline = Duration::from_secs(2);
    let pace = Duration::from_secs(1);
    let slow = MemberPlan::healthy().information(Information::SlowBody { pace });
    let given = Given::within(deadline, plan_of([slow])).await;
    let started = Instant::now();
    look(&given).await;
    assert!(started.elapsed() < 2 * deadline, "{:?}", started.elapsed());
    assert_online_without_document(&given).await;
}

#[tokio::test]
async fn what_is_no_document_is_none() {
    for none in [
        Information::Missing,
        Information::Html,
        Information::TrailingComma,
        Information::Custom(String::new()),
        Information::Custom("[]".to_owned()),
    ] {
        let given = documented(none).await;
        assert_online_without_document(&given).await;
    }
    let given = documented(Information::NumberForList).await;
    let read = information(&given, given.member()).await.unwrap();
    assert_eq!(read.supported_nips, [1]);
}

#[tokio::test]
async fn documents_of_every_network_are_read() {
    let ways = [
        Access::Loopback,
        Access::Tls(Certificate::Valid),
        Access::Onion,
        Access::I2p,
        Access::Loki,
    ];
    let members = ways.map(|access| MemberPlan::healthy().access(access));
    let given = Given::start(plan_of(members)).await;
    look(&given).await;
    for member in given.fleet.members() {
        let read = information(&given, member).await.unwrap();
        assert_eq!(read.name.as_deref(), Some(member.name()));
    }
    let asked = given.fleet.dns().queries().into_iter();
    let mut leaked = asked.filter(|query| !query.name.ends_with("nostr-lab.net"));
    assert_eq!(leaked.next(), None);
}

#[tokio::test]
async fn an_unchanged_document_is_stored_once_and_extended() {
    let given = documented(Information::Ordinary).await;
    let monitor = monitor(&given.context);
    let id = relay(&given, given.member()).await.id;
    for (wait, last_seen) in [(2 * HOUR, NOW), (DAY, NOW + DAY + 2 * HOUR)] {
        given.clock.advance(wait);
        cycle(&monitor).await;
        let stored = document(&given, given.member()).await.unwrap();
        assert_eq!((stored.relay, stored.generated_at), (id, last_seen));
    }
    let totals = given.totals().await;
    // The document, the headers of the upgrade, and what was observed of the claims.
    assert_eq!((totals.metadata, totals.relay_metadata), (3, 3));
    assert_eq!(totals.rtt_samples, 3);
}

#[tokio::test]
async fn two_relays_with_one_document_share_it() {
    let same = Information::Custom(r#"{"name":"twin","supported_nips":[1]}"#.to_owned());
    let twins = [0, 1].map(|_| MemberPlan::empty().information(same.clone()));
    let given = Given::start(plan_of(twins)).await;
    look(&given).await;
    let totals = given.totals().await;
    // The document, and the headers of the upgrade.
    assert_eq!((totals.metadata, totals.relay_metadata), (2, 4));
}

#[tokio::test]
async fn a_silent_server_is_not_asked_for_its_document() {
    let silent = MemberPlan::new(Behaviour::Silent);
    let given = Given::within(Duration::from_secs(1), plan_of([silent])).await;
    look(&given).await;
    let asked = given.member().seen().requests;
    assert!(asked.iter().all(|request| request.is_upgrade));
    assert!(document(&given, given.member()).await.is_none());
}

#[tokio::test]
async fn what_is_switched_off_is_not_read_or_not_stored() {
    let off = ChecksIncluded::NONE;
    let not_stored = MonitorProcessing {
        store: off,
        ..MonitorProcessing::default()
    };
    let not_read = MonitorProcessing {
        compute: ChecksIncluded {
            nip11_info: false,
            ..ChecksIncluded::default()
        },
        ..not_stored.clone()
    };
    for (processing, requests) in [(not_stored, 2), (not_read, 1)] {
        let given = Given::of(MemberPlan::healthy()).await;
        let config = MonitorConfig {
            processing,
            ..MonitorConfig::default()
        };
        look_with(&given, config).await;
        let member = given.member();
        assert_eq!(member.seen().requests.len(), requests);
        assert!(document(&given, member).await.is_none());
        assert_eq!(samples(&given, member).await[0].open_ms, None);
    }
}

#[tokio::test]
async fn a_relay_that_wants_no_crawler_is_checked_and_not_archived() {
    let wish = Information::Custom(r#"{"name":"shy","tags":["no-crawl"]}"#.to_owned());
    let shy = MemberPlan::new(Behaviour::Honest).information(wish);
    let given = Given::start(plan_of([shy]).events(50)).await;
    look(&given).await;
    let member = given.member();
    assert!(!member.holds().is_empty());
    let connections = member.seen().connections;
    let synchronizer =
        Synchronizer::new(given.context.clone(), SynchronizerConfig::default(), None);
    let summary = cycle(&synchronizer).await;
    assert_eq!(summary.count("passed_over_relays"), 1, "{summary}");
    assert_eq!(member.seen().connections, connections);

    // Its document is read again, or nobody would hear that it has changed its mind.
    given.clock.advance(DAY);
    cycle(&monitor(&given.context)).await;
    assert_eq!(samples(&given, member).await.len(), 2);
    let stored = document(&given, member).await.unwrap();
    assert_eq!(stored.generated_at, NOW + DAY);
    assert!(discovery(&given, member).await.is_some());
    let archived = given.servable(&[Kind::TEXT_NOTE]).await;
    assert!(archived.is_empty(), "a look at a relay archives nothing");
}
