//! Stored events as a source: each read once, in the order of arrival, whatever happens between.

use std::collections::BTreeSet;
use std::time::Duration;

use bigbrotr::config::{ApiConfig, FinderConfig, FinderEvents};
use bigbrotr::lifecycle::Tokens;
use bigbrotr::services::finder::Finder;
use bigbrotr::services::{Service, ServiceError};
use fleet::FleetPlan;
use nips::relay_sources::Source;
use nips::{Event, Kind, RelayUrl};
use nostr_sdk::nips::nip19::Nip19Profile;
use nostr_sdk::{Keys, ToBech32};

use super::super::given::{DAY, Given, NOW, cycle};
use super::{cursor, event_finder, named};
use crate::archive::given::{author, note, tags};

async fn given() -> Given {
    Given::start(FleetPlan::new(1)).await
}

fn url_of(label: &str) -> String {
    format!("wss://{label}.nostr-lab.net")
}

/// A relay list of its own author that names one relay.
fn list(number: u64) -> Event {
    let url = url_of(&format!("list{number}"));
    let tags = tags(&[&["r", &url]]);
    author(100 + number).sign(Kind::RELAY_LIST, NOW - 60, tags, "")
}

/// Archives relay lists one by one, so that each is a batch of the log.
async fn archive_lists(given: &Given, numbers: std::ops::Range<u64>) {
    for number in numbers {
        given.archive([list(number)]).await;
    }
}

/// An event of an author for each place that names relays, with the relay that it names.
fn every_source(number: u64) -> Vec<(Event, Source, String)> {
    let event = |kind: u16, event_tags: &[&[&str]], content: &str| {
        author(number).sign(Kind(kind), NOW - 60, tags(event_tags), content)
    };
    let relay = |source: Source| url_of(source.as_str());
    let hex = "aa".repeat(32);
    let zap = relay(Source::Zap);
    let request = event(9734, &[&["relays", &zap]], "").to_json();
    let keys = Keys::generate().public_key();
    let content_relay = relay(Source::Content).parse().unwrap();
    let profile = Nip19Profile::new(keys, [content_relay]);
    let profile = profile.to_bech32().unwrap();
    let case = |source: Source| {
        let url = relay(source);
        let event = match source {
            Source::RelayList => event(10_002, &[&["r", &url, "write"]], ""),
            Source::Discovery => event(30_166, &[&["d", &format!("{url}/")]], ""),
            Source::DirectMessageRelays => event(10_050, &[&["relay", &url]], ""),
            Source::RelayCollection => event(30_002, &[&["d", "x"], &["relay", &url]], ""),
            Source::Contacts => event(3, &[], &format!(r#"{{"{url}":{{"read":true}}}}"#)),
            Source::Recommendation => event(2, &[], &url),
            Source::Group => event(10_009, &[&["group", "id", &url]], ""),
            Source::Zap => event(9735, &[&["description", &request]], ""),
            Source::Repository => event(30_617, &[&["d", "x"], &["relays", &url]], ""),
            Source::RelayTag => event(30_311, &[&["d", "x"], &["relays", &url]], ""),
            Source::Reference => event(1, &[&["r", &url]], "look"),
            Source::Hint => event(1, &[&["e", &hex, &url, "root"]], "yes"),
            Source::Content => event(1, &[], &format!("ask nostr:{profile}")),
        };
        (event, source, url)
    };
    Source::ALL.map(case).into()
}

#[tokio::test]
async fn every_place_that_names_a_relay_yields_a_candidate_once_it_weighs_enough() {
    let given = given().await;
    let finder = event_finder(&given.context, 1_000);
    // Lists count at once, what software fills in by twos, hints by fours.
    for (authors, candidates) in [(1, 8), (2, 10), (3, 10), (4, 13)] {
        let cases = every_source(authors);
        given
            .archive(cases.into_iter().map(|(event, ..)| event))
            .await;
        given.archive([note(authors)]).await;
        let summary = cycle(&finder).await;
        assert_eq!(summary.count("rows_seen"), 14);
        assert_eq!(named(&given).await.len(), candidates, "{authors} authors");
    }
    let mut expected: Vec<_> = every_source(1)
        .into_iter()
        .map(|(_, source, url)| (url, source.as_str().to_owned()))
        .collect();
    expected.sort();
    assert_eq!(named(&given).await, expected);
}

#[tokio::test]
async fn who_named_a_url_is_kept_across_restarts() {
    let given = given().await;
    let url = url_of("seen");
    let list = |number| author(number).sign(Kind::RELAY_LIST, NOW - 60, tags(&[&["r", &url]]), "");
    let hint = |number| {
        let hint = tags(&[&["e", &"aa".repeat(32), &url]]);
        author(number).sign(Kind(1), NOW - 60, hint, "")
    };
    given.archive([hint(1), list(2), list(3)]).await;
    let finder = event_finder(&given.context, 1_000);
    cycle(&finder).await;
    given.clock.advance(60);
    cycle(&finder).await;
    drop(finder);
    let given = given.restart().await;
    let finder = event_finder(&given.context, 1_000);
    given.archive([hint(4), list(5)]).await;
    cycle(&finder).await;
    given.clock.advance(60);
    let summary = cycle(&finder).await;
    assert_eq!(summary.count("candidates_found_from_events"), 0);
    let evidence = given.store().evidence(&url.parse().unwrap()).await.unwrap();
    let counts: Vec<_> = evidence
        .iter()
        .map(|row| (row.source.as_str(), row.namings, row.first_named_at))
        .collect();
    assert_eq!(counts, [("hint", 2, NOW), ("relay-list", 3, NOW)]);
}

#[tokio::test]
async fn what_is_passed_over_is_counted_by_reason() {
    let given = given().await;
    let mut config = FinderConfig {
        api: ApiConfig {
            enabled: false,
            ..ApiConfig::default()
        },
        ..FinderConfig::default()
    };
    config.admission.max_per_host = 2;
    config.admission.weights.insert("zap".to_owned(), 0);
    let finder = Finder::new(given.context.clone(), config);
    let ports = (1..=5).map(|port| format!("wss://one.example.com:{port}"));
    let paths = (0..3).map(|number| format!("wss://two.example.com/npub1{number}"));
    let listed = ports.chain(paths).map(|url| vec!["r".to_owned(), url]);
    let zap = tags(&[&["relays", &url_of("zapped")]]);
    given
        .archive([
            author(1).sign(Kind::RELAY_LIST, NOW - 60, listed.collect(), ""),
            author(1).sign(Kind(9734), NOW - 60, zap, ""),
        ])
        .await;
    let summary = cycle(&finder).await;
    assert_eq!(summary.count("candidates_found_from_events"), 2);
    assert_eq!(summary.count("refused_host_full"), 3);
    assert_eq!(summary.count("refused_path_spam"), 3);
    assert_eq!(summary.count("refused_uncorroborated"), 0);
}

#[tokio::test]
async fn each_event_is_read_once() {
    let given = given().await;
    archive_lists(&given, 0..5).await;
    let finder = event_finder(&given.context, 2);
    assert!(finder.has_due().await.unwrap());
    assert_eq!(cycle(&finder).await.count("rows_seen"), 5);
    assert_eq!(cursor(&given).await, Some(5));
    assert!(!finder.has_due().await.unwrap());
    assert_eq!(cycle(&finder).await.count("rows_seen"), 0);
    // A copy from somewhere else is no arrival.
    archive_lists(&given, 0..5).await;
    assert_eq!(cycle(&finder).await.count("rows_seen"), 0);
    archive_lists(&given, 5..6).await;
    assert!(finder.has_due().await.unwrap());
    assert_eq!(cycle(&finder).await.count("rows_seen"), 1);
    assert_eq!(named(&given).await.len(), 6);
}

#[tokio::test]
async fn after_a_restart_reading_goes_on_where_it_ended() {
    let given = given().await;
    archive_lists(&given, 0..4).await;
    cycle(&event_finder(&given.context, 1_000)).await;
    archive_lists(&given, 4..6).await;
    let given = given.restart().await;
    let summary = cycle(&event_finder(&given.context, 1_000)).await;
    assert_eq!(summary.count("rows_seen"), 2);
    assert_eq!(named(&given).await.len(), 6);
}

#[tokio::test]
async fn a_crash_after_the_candidates_repeats_the_step() {
    let given = given().await;
    archive_lists(&given, 0..6).await;
    given
        .sql(
            "CREATE TRIGGER crash BEFORE INSERT ON service_state
             WHEN NEW.state_value LIKE '%:4%' BEGIN SELECT RAISE(ABORT, 'crash'); END",
        )
        .await;
    let failed = event_finder(&given.context, 2).cycle(&Tokens::new()).await;
    assert!(matches!(failed, Err(ServiceError::Store(_))), "{failed:?}");
    assert_eq!(cursor(&given).await, Some(2));
    assert_eq!(
        named(&given).await.len(),
        4,
        "the step's candidates are stored"
    );
    given.sql("DROP TRIGGER crash").await;
    let given = given.restart().await;
    let summary = cycle(&event_finder(&given.context, 2)).await;
    assert_eq!(summary.count("rows_seen"), 4, "the step is read again");
    assert_eq!(summary.count("candidates_found_from_events"), 2);
    assert_eq!(named(&given).await.len(), 6);
    assert_eq!(cursor(&given).await, Some(6));
}

#[tokio::test]
async fn candidates_that_cannot_be_stored_are_not_passed_over() {
    let given = given().await;
    archive_lists(&given, 0..6).await;
    let poisoned = url_of("list3");
    given
        .sql(&format!(
            "CREATE TRIGGER crash BEFORE INSERT ON candidate
             WHEN NEW.url = '{poisoned}' BEGIN SELECT RAISE(ABORT, 'crash'); END"
        ))
        .await;
    // One process all along: what it remembers must not make it pass over anything either.
    let finder = event_finder(&given.context, 2);
    assert!(finder.cycle(&Tokens::new()).await.is_err());
    assert_eq!(cursor(&given).await, Some(2));
    given.sql("DROP TRIGGER crash").await;
    assert_eq!(
        cycle(&finder).await.count("candidates_found_from_events"),
        4
    );
    assert_eq!(named(&given).await.len(), 6);
}

#[tokio::test]
async fn a_scan_that_runs_out_of_time_goes_on_in_the_next_cycle() {
    let given = given().await;
    archive_lists(&given, 0..3).await;
    let config = FinderConfig {
        events: FinderEvents {
            batch_size: 1,
            max_duration: Duration::ZERO,
            ..FinderEvents::default()
        },
        api: ApiConfig {
            enabled: false,
            ..ApiConfig::default()
        },
        ..FinderConfig::default()
    };
    let finder = Finder::new(given.context.clone(), config);
    for read in 1..=3 {
        assert!(cycle(&finder).await.has_more);
        assert_eq!(cursor(&given).await, Some(read));
    }
    assert!(!cycle(&finder).await.has_more);
}

#[tokio::test]
async fn a_soft_stop_ends_the_scan_after_the_step_at_hand() {
    let given = given().await;
    archive_lists(&given, 0..3).await;
    let tokens = Tokens::new();
    tokens.stop();
    let finder = event_finder(&given.context, 1);
    let summary = finder.cycle(&tokens).await.unwrap();
    assert!(summary.count("rows_seen") <= 1 && summary.has_more);
    assert_eq!(
        cycle(&event_finder(&given.context, 1))
            .await
            .count("rows_seen"),
        3 - summary.count("rows_seen")
    );
    assert_eq!(named(&given).await.len(), 3);
}

#[tokio::test]
async fn known_relays_and_candidates_keep_their_history() {
    let given = given().await;
    let [tried, relay] = [0, 1].map(|number| {
        let url = url_of(&format!("list{number}"));
        RelayUrl::parse(&url).unwrap()
    });
    given.name(std::slice::from_ref(&tried)).await;
    let store = given.store();
    store
        .postpone(&tried, "timed_out", NOW + DAY)
        .await
        .unwrap();
    store.promote(&relay, NOW).await.unwrap();
    let before = (given.candidate(&tried).await, given.relay(&relay).await);
    archive_lists(&given, 0..3).await;
    let summary = cycle(&event_finder(&given.context, 1_000)).await;
    assert_eq!(summary.count("candidates_found_from_events"), 1);
    assert_eq!(
        (given.candidate(&tried).await, given.relay(&relay).await),
        before
    );
}

#[tokio::test]
async fn b36_a_wildcard_name_cannot_fill_the_candidate_table() {
    let mut given = given().await;
    for author_number in 0..4_u64 {
        let urls = (0..250).map(|number| format!("wss://u{author_number}-{number}.wild.org"));
        let tags = urls.map(|url| vec!["r".to_owned(), url]).collect();
        let event = author(author_number).sign(Kind::RELAY_LIST, NOW - 60, tags, "");
        given.archive([event, list(author_number)]).await;
        cycle(&event_finder(&given.context, 100)).await;
        // A restart gives nobody a second helping.
        given = given.restart().await;
    }
    let hosts: BTreeSet<String> = named(&given)
        .await
        .into_iter()
        .map(|(url, _)| url)
        .collect();
    let wild = hosts
        .iter()
        .filter(|url| url.ends_with(".wild.org"))
        .count();
    assert_eq!(wild, 500);
    assert_eq!(hosts.len(), wild + 4, "nobody else is shut out");
}

#[tokio::test]
async fn a_url_that_was_given_up_is_tried_again_when_it_is_named_after_its_quarantine() {
    let given = given().await;
    let url = RelayUrl::parse(&url_of("comeback")).unwrap();
    let naming = |number| {
        let tags = tags(&[&["r", url.as_str()]]);
        author(number).sign(Kind::RELAY_LIST, NOW - 60, tags, "")
    };
    // One process all along.
    let finder = event_finder(&given.context, 1_000);
    given.archive([naming(1)]).await;
    cycle(&finder).await;
    let store = given.store();
    store.postpone(&url, "no_address", NOW).await.unwrap();
    store.give_up_candidates(1, NOW + 30 * DAY).await.unwrap();
    given.clock.advance(29 * DAY);
    given.archive([naming(2)]).await;
    cycle(&finder).await;
    assert_eq!(given.candidate(&url).await, None);
    given.clock.advance(2 * DAY);
    given.archive([naming(3)]).await;
    cycle(&finder).await;
    assert!(given.candidate(&url).await.is_some());
}
