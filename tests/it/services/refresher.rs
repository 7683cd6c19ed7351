//! The refresher: what is beyond its age goes, and nothing else.

use std::time::Duration;

use bigbrotr::config::{ApiConfig, FinderConfig, RefresherConfig, RetentionConfig};
use bigbrotr::lifecycle::Tokens;
use bigbrotr::model::{Metadata, MetadataType, RelayId, RelayMetadata, RelayState, RttSample};
use bigbrotr::services::Service;
use bigbrotr::services::finder::Finder;
use bigbrotr::services::refresher::Refresher;
use bigbrotr::store::events::{BatchNumber, QueryBounds, Scope};
use bigbrotr::store::relays::CheckRecord;
use fleet::FleetPlan;
use nips::{Event, Filter, Kind, RelayUrl};

use super::given::{DAY, Given, HOUR, NOW, cycle};
use crate::archive::given::{author, note, tags};

/// How long check results are kept in these tests, days; the log of arrivals half as long.
const KEPT: u64 = 10;

async fn given() -> Given {
    Given::start(FleetPlan::new(1)).await
}

fn refresher(given: &Given, batch_size: u32) -> Refresher {
    let config = RefresherConfig {
        retention: RetentionConfig {
            metadata: Duration::from_secs(KEPT * DAY),
            arrivals: Duration::from_secs(KEPT / 2 * DAY),
            batch_size,
        },
        ..RefresherConfig::default()
    };
    Refresher::new(given.context.clone(), config)
}

/// A relay that was not asked anything.
async fn relay(given: &Given, label: &str) -> RelayId {
    let url = RelayUrl::parse(&format!("wss://{label}.nostr-lab.net")).unwrap();
    given.store().promote(&url, NOW).await.unwrap()
}

/// Notes down that a relay had this document at a moment, and answered then.
async fn observe(given: &Given, relay: RelayId, at: u64, name: &str) {
    let metadata = Metadata::new(MetadataType::Nip11Info, format!(r#"{{"name":"{name}"}}"#));
    let row = RelayMetadata {
        relay,
        generated_at: at,
        metadata,
    };
    given.store().add_relay_metadata(&[row]).await.unwrap();
    let record = CheckRecord {
        rtt: RttSample {
            relay,
            checked_at: at,
            open_ms: Some(7),
            read_ms: None,
            write_ms: None,
        },
        state: RelayState::Online,
        check_failures: 0,
        next_check_at: at + HOUR,
    };
    given.store().record_check(&record).await.unwrap();
}

fn expiring(number: u64, at: u64) -> Event {
    let tags = tags(&[&["expiration", &at.to_string()]]);
    author(number).sign(Kind::TEXT_NOTE, NOW - number, tags, "for a while")
}

async fn read_arrivals(given: &Given) {
    let config = FinderConfig {
        api: ApiConfig {
            enabled: false,
            ..ApiConfig::default()
        },
        ..FinderConfig::default()
    };
    cycle(&Finder::new(given.context.clone(), config)).await;
}

async fn oldest_arrival(given: &Given) -> BatchNumber {
    given.store().arrival_bounds().await.unwrap().1
}

#[tokio::test]
async fn results_beyond_their_age_go_and_the_newest_of_each_relay_stays() {
    let given = given().await;
    let (busy, quiet) = (relay(&given, "busy").await, relay(&given, "quiet").await);
    for (day, name) in [(0, "first"), (1, "second"), (8, "third")] {
        observe(&given, busy, NOW + day * DAY, name).await;
    }
    observe(&given, quiet, NOW, "only").await;
    given.clock.advance(KEPT * DAY + DAY / 2);
    let summary = cycle(&refresher(&given, 1_000)).await;
    // Of each, only what was seen on the first day is old enough.
    assert_eq!(summary.count("expired_metadata"), 1 + 1);
    assert_eq!(summary.count("orphan_documents"), 1);
    let totals = given.totals().await;
    assert_eq!((totals.metadata, totals.relay_metadata), (3, 3));
    let samples = given.store().rtt_samples(busy, 10).await.unwrap();
    let days: Vec<u64> = samples
        .iter()
        .map(|it| (it.checked_at - NOW) / DAY)
        .collect();
    assert_eq!(days, [8, 1]);
    for (relay, name) in [(busy, "third"), (quiet, "only")] {
        let latest = given
            .store()
            .latest_metadata(relay, MetadataType::Nip11Info);
        let data = latest.await.unwrap().unwrap().metadata.data().to_owned();
        assert!(data.contains(name), "{data}");
    }
    given.clock.advance(KEPT * DAY);
    cycle(&refresher(&given, 1_000)).await;
    let totals = given.totals().await;
    assert_eq!((totals.metadata, totals.relay_metadata), (2, 2));
    assert_eq!(totals.rtt_samples, 2);
    assert_eq!(totals.relays, 2);
}

#[tokio::test]
async fn a_document_that_another_relay_still_has_stays() {
    let given = given().await;
    let (left, has) = (relay(&given, "left").await, relay(&given, "has").await);
    observe(&given, left, NOW, "shared").await;
    observe(&given, left, NOW + DAY, "new").await;
    observe(&given, has, NOW, "shared").await;
    given.clock.advance(KEPT * DAY + 2 * HOUR);
    let summary = cycle(&refresher(&given, 1_000)).await;
    assert_eq!(summary.count("orphan_documents"), 0);
    assert_eq!(given.totals().await.metadata, 2);
}

#[tokio::test]
async fn much_is_thrown_away_in_portions_and_all_of_it() {
    let given = given().await;
    let relay = relay(&given, "busy").await;
    for hour in 0..60 {
        observe(&given, relay, NOW + hour * HOUR, &format!("v{hour}")).await;
    }
    given.clock.advance(KEPT * DAY + 60 * HOUR);
    let summary = cycle(&refresher(&given, 10)).await;
    assert_eq!(summary.count("expired_metadata"), 2 * 59);
    assert_eq!(summary.count("orphan_documents"), 59);
    let totals = given.totals().await;
    assert_eq!((totals.metadata, totals.relay_metadata), (1, 1));
    assert_eq!(totals.rtt_samples, 1);
}

#[tokio::test]
async fn arrivals_go_when_they_are_old_and_the_finder_has_read_them() {
    let given = given().await;
    given.archive([note(1)]).await;
    given.archive([note(2)]).await;
    let age = KEPT / 2 * DAY;
    given.clock.advance(age + 1);
    let refresher = refresher(&given, 1_000);
    let trimmed = async || cycle(&refresher).await.count("trimmed_arrivals");
    assert_eq!(trimmed().await, 0, "nobody has read them");
    read_arrivals(&given).await;
    given.archive([note(3)]).await;
    assert_eq!(trimmed().await, 2);
    assert_eq!(oldest_arrival(&given).await, BatchNumber(3));
    given.clock.advance(age + 1);
    assert_eq!(trimmed().await, 0, "old, and not read yet");
    read_arrivals(&given).await;
    assert_eq!(trimmed().await, 1);
    // The events themselves stay for ever.
    assert_eq!(given.servable(&[Kind::TEXT_NOTE]).await.len(), 3);
}

#[tokio::test]
async fn what_has_expired_is_hidden_and_stays_stored() {
    let given = given().await;
    let expired: Vec<Event> = (0..25).map(|n| expiring(n + 1, NOW + 60)).collect();
    let current = expiring(100, NOW + DAY);
    given.archive(expired.clone()).await;
    given.archive([current.clone(), note(1)]).await;
    given.clock.advance(61);
    let refresher = refresher(&given, 10);
    assert_eq!(cycle(&refresher).await.count("expired_events"), 25);
    assert_eq!(given.servable(&[Kind::TEXT_NOTE]).await.len(), 2);
    let filter = Filter::default();
    let page = given
        .store()
        .query(vec![filter], Scope::Stored, QueryBounds::default());
    assert_eq!(page.await.unwrap().events.len(), 27);
    assert_eq!(cycle(&refresher).await.count("expired_events"), 0);
    given.clock.advance(DAY);
    assert_eq!(cycle(&refresher).await.count("expired_events"), 1);
}

#[tokio::test]
async fn tombstones_go_when_they_hold_nothing_back() {
    let given = given().await;
    let labels = ["soon", "later"];
    for (label, days) in labels.into_iter().zip([1, 30]) {
        let url = RelayUrl::parse(&format!("wss://{label}.nostr-lab.net")).unwrap();
        given.name(std::slice::from_ref(&url)).await;
        given
            .store()
            .postpone(&url, "no_address", NOW)
            .await
            .unwrap();
        given
            .store()
            .give_up_candidates(1, NOW + days * DAY)
            .await
            .unwrap();
    }
    given.clock.advance(2 * DAY);
    let summary = cycle(&refresher(&given, 1_000)).await;
    assert_eq!(summary.count("expired_tombstones"), 1);
    assert_eq!(given.totals().await.tombstones, 1);
}

#[tokio::test]
async fn what_is_not_due_stays() {
    let given = given().await;
    let relay = relay(&given, "busy").await;
    observe(&given, relay, NOW, "first").await;
    observe(&given, relay, NOW + HOUR, "second").await;
    given
        .archive([expiring(1, NOW + KEPT * DAY), note(2)])
        .await;
    read_arrivals(&given).await;
    let (totals, arrivals) = (given.totals().await, oldest_arrival(&given).await);
    given.clock.advance(KEPT / 2 * DAY - 1);
    let summary = cycle(&refresher(&given, 1_000)).await;
    let litter = [
        "expired_events",
        "trimmed_arrivals",
        "expired_metadata",
        "orphan_documents",
        "expired_tombstones",
    ];
    assert!(litter.iter().all(|it| summary.count(it) == 0), "{summary}");
    let after = given.totals().await;
    assert_eq!(
        (after.metadata, after.rtt_samples),
        (totals.metadata, totals.rtt_samples)
    );
    assert_eq!(after.relay_metadata, totals.relay_metadata);
    assert_eq!(oldest_arrival(&given).await, arrivals);
    assert_eq!(given.servable(&[Kind::TEXT_NOTE]).await.len(), 2);
}

#[tokio::test]
async fn a_soft_stop_leaves_the_rest_for_the_next_cycle() {
    let given = given().await;
    let relay = relay(&given, "busy").await;
    for hour in 0..5 {
        observe(&given, relay, NOW + hour * HOUR, &format!("v{hour}")).await;
    }
    given.clock.advance(KEPT * DAY + DAY);
    let tokens = Tokens::new();
    tokens.stop();
    let refresher = refresher(&given, 10);
    let summary = refresher.cycle(&tokens).await.unwrap();
    assert_eq!(summary.count("expired_metadata"), 0);
    assert_eq!(cycle(&refresher).await.count("expired_metadata"), 8);
}
