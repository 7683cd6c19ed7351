//! One `run --once` over every scenario at once.

use std::collections::BTreeSet;

use bigbrotr::model::Relay;
use bigbrotr::store::coverage::FilterId;
use bigbrotr::store::{CoverageStore, Embedded, EmbeddedOptions, RelayStore};
use fleet::{Completeness, ConfigOptions, ConfigPaths, Fleet, FleetPlan, Member};
use nips::{Event, EventId, Filter, Kind};

use super::reader;
use crate::program::{Program, run};

const RELAYS: usize = 60;
const EVENTS: usize = 2_000;

/// Kinds that the monitor itself brings into the archive.
const OURS: [Kind; 3] = [
    Kind::METADATA,
    Kind::MONITOR_ANNOUNCEMENT,
    Kind::RELAY_DISCOVERY,
];

#[tokio::test(flavor = "multi_thread")]
async fn one_pass_finds_what_is_there_and_nothing_else() {
    let fleet = Fleet::start(FleetPlan::mixed(11, RELAYS, EVENTS))
        .await
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let paths = write_config(&fleet, directory.path());
    let arguments = |words: &[&str]| {
        let words = words.iter().map(|&word| word.to_owned());
        words.chain(paths.arguments()).collect::<Vec<String>>()
    };

    let pass = run(directory.path(), arguments(&["run", "--once"]));
    assert!(
        pass.status.success(),
        "{}",
        String::from_utf8_lossy(&pass.stderr)
    );
    assert_eq!(fleet.canary().visits(), 0);

    promoted_is_what_speaks_nostr(&fleet, &paths).await;
    let export = run(directory.path(), arguments(&["export"]));
    archived_is_the_union(&fleet, &paths, &export.stdout).await;
    published_is_what_answered(&fleet, directory.path(), arguments(&["relay"])).await;
    fleet.stop().await;
}

async fn promoted_is_what_speaks_nostr(fleet: &Fleet, paths: &ConfigPaths) {
    let promoted: BTreeSet<String> = relays(paths)
        .await
        .iter()
        .map(|relay| relay.url.to_string())
        .collect();
    assert_eq!(promoted, fleet.promotable_urls());
}

async fn archived_is_the_union(fleet: &Fleet, paths: &ConfigPaths, export: &[u8]) {
    let text = std::str::from_utf8(export).unwrap();
    let archived = text.lines().map(|line| Event::from_json(line).unwrap());
    let monitor = std::fs::read_to_string(paths.data.join("monitor.key")).unwrap();
    let monitor = nostr_sdk::Keys::parse(monitor.trim()).unwrap().public_key();
    let is_ours =
        |event: &Event| event.pubkey().to_hex() == monitor.to_hex() && OURS.contains(&event.kind());
    let archived: BTreeSet<EventId> = archived
        .filter(|event| !is_ours(event))
        .map(|event| event.id())
        .collect();
    let union = fleet.union_of_valid_events();
    let lost: Vec<&EventId> = union.difference(&archived).collect();
    assert!(lost.is_empty(), "lost {lost:?}");
    assert!(archived.is_subset(&fleet.archivable_events()));
    assert!(archived.is_disjoint(&fleet.forged_events()));
    what_is_missing_is_a_gap(fleet, paths, &archived).await;
}

/// A relay that holds events which are not archived has a gap on record, whatever the reason.
async fn what_is_missing_is_a_gap(
    fleet: &Fleet,
    paths: &ConfigPaths,
    archived: &BTreeSet<EventId>,
) {
    let store = open(paths).await;
    let everything = FilterId::of(&Filter::default());
    let is_promoted = |member: &&Member| member.is_promotable();
    let mut with_gaps = 0;
    for member in fleet.members().iter().filter(is_promoted) {
        let relay = store.relay_by_url(member.url()).await.unwrap().unwrap();
        let gaps = store.gaps(relay.id, everything).await.unwrap();
        let is_whole = member.holds().is_subset(archived);
        assert!(
            is_whole || !gaps.is_empty(),
            "{} is incomplete and has no gap",
            member.name()
        );
        if member.completeness() == Completeness::Whole {
            assert!(gaps.is_empty(), "{}: {gaps:?}", member.name());
        }
        with_gaps += usize::from(!gaps.is_empty());
    }
    assert!(with_gaps >= 3, "refusals and crowded seconds leave gaps");
    store.close().await;
}

async fn published_is_what_answered(
    fleet: &Fleet,
    directory: &std::path::Path,
    arguments: Vec<String>,
) {
    let mut relay = Program::start(directory, arguments);
    let client = reader::connect(&relay.address("relay")).await;
    let published = reader::published(&client).await;
    let with_slash = |url: &String| format!("{}/", url.trim_end_matches('/'));
    let answered: BTreeSet<String> = fleet.promotable_urls().iter().map(with_slash).collect();
    let published: BTreeSet<String> = published.keys().map(with_slash).collect();
    assert_eq!(published, answered);
    client.shutdown().await;
    assert!(relay.stop().success());
}

fn write_config(fleet: &Fleet, directory: &std::path::Path) -> ConfigPaths {
    let options = ConfigOptions {
        relay_listen: ([127, 0, 0, 1], 0).into(),
        metrics_listen: None,
        timeout_seconds: 3,
        ..ConfigOptions::default()
    };
    fleet.write_config(directory, &options).unwrap()
}

async fn open(paths: &ConfigPaths) -> Embedded {
    let options = EmbeddedOptions::default();
    Embedded::open(&paths.data, options).await.unwrap()
}

async fn relays(paths: &ConfigPaths) -> Vec<Relay> {
    let store = open(paths).await;
    let relays = store.relays_after(None, 1_000).await.unwrap();
    store.close().await;
    relays
}
