//! What outside relays get of what the monitor says, whatever they do about it.

use std::collections::BTreeMap;
use std::time::Duration;

use bigbrotr::config::{MonitorConfig, PublishingConfig};
use bigbrotr::http::Overview;
use bigbrotr::lifecycle::Tokens;
use bigbrotr::metrics::PublicationMetrics;
use bigbrotr::model::{Publication, Relay, ServiceName, StateType};
use bigbrotr::services::monitor::Monitor;
use bigbrotr::services::{CycleSummary, Service};
use bigbrotr::store::events::{QueryBounds, Scope};
use fleet::{Behaviour, FleetPlan, Member, MemberPlan, REFUSALS};
use nips::{Event, EventId, Filter, Kind, RelayUrl};
use nostr_sdk::Client;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::given::{AT_ONCE, Given, HOUR, PATIENCE, SHORT, cycle, plan_of, wait_until};
use super::{OWN_RELAY, discoveries, monitor_with, signer, unhurried};

/// What a monitor says about itself: 10166, 0 and 10002.
const ABOUT_US: usize = 3;

/// A laboratory whose first members are relays that are looked at, and whose last is the outside relay.
async fn laboratory(relays: usize, outside: MemberPlan) -> Given {
    let watched = (0..relays).map(|_| MemberPlan::new(Behaviour::Honest));
    let given = Given::start(plan_of(watched.chain([outside]))).await;
    watch(&given, relays).await;
    given
}

/// Takes the first members for relays.
async fn watch(given: &Given, relays: usize) {
    given.trust_all().await;
    for outside in &given.fleet.members()[relays..] {
        let Relay { id, .. } = given.relay(outside.url()).await.unwrap();
        given
            .sql(&format!("DELETE FROM relay WHERE relay_id = {}", id.0))
            .await;
    }
}

fn outside(given: &Given) -> &Member {
    given.fleet.members().last().unwrap()
}

/// A monitor that sends everything to these members.
fn sending<'a>(given: &Given, to: impl IntoIterator<Item = &'a Member>) -> Monitor {
    sending_within(given, PATIENCE, to)
}

fn sending_within<'a>(
    given: &Given,
    timeout: Duration,
    to: impl IntoIterator<Item = &'a Member>,
) -> Monitor {
    monitor_with(&given.context, config(timeout, to))
}

fn config<'a>(timeout: Duration, to: impl IntoIterator<Item = &'a Member>) -> MonitorConfig {
    MonitorConfig {
        publishing: PublishingConfig {
            relays: to.into_iter().map(|member| member.url().clone()).collect(),
            timeout,
        },
        ..unhurried()
    }
}

/// What the store says about what outside relays took.
fn tally(summary: &CycleSummary) -> [u64; 3] {
    ["sent", "refused", "not_sent"].map(|name| summary.count(name))
}

async fn waiting(given: &Given) -> BTreeMap<String, u64> {
    let counts = given.store().publication_counts().await.unwrap();
    let named = counts
        .into_iter()
        .map(|(relay, count)| (relay.to_string(), count));
    named.collect()
}

/// What is on record about an outside relay.
async fn standing(given: &Given, member: &Member) -> Value {
    let (service, of) = (ServiceName::Monitor, StateType::Publishing);
    let row = given.store().state(service, of, member.url().as_str());
    row.await.unwrap().unwrap().value
}

/// Every event that was sent to a member, in order.
fn received(member: &Member) -> Vec<EventId> {
    member.seen().events.iter().map(Event::id).collect()
}

/// Everything of ours that our own relay serves.
async fn ours(given: &Given) -> Vec<Event> {
    let filter = json!({ "authors": [signer(&given.context).public_key().to_hex()] });
    let filter = Filter::from_value(&filter).unwrap();
    let scope = Scope::public(given.now());
    let page = given
        .store()
        .query(vec![filter], scope, QueryBounds::default());
    page.await.unwrap().events
}

#[tokio::test]
async fn a_relay_of_somebody_else_gets_what_ours_serves_and_gives_it_to_anybody() {
    let given = laboratory(2, MemberPlan::healthy()).await;
    let summary = cycle(&sending(&given, [outside(&given)])).await;
    let events = ours(&given).await;
    assert_eq!(events.len(), 2 + ABOUT_US);
    assert_eq!(tally(&summary), [events.len() as u64, 0, 0]);
    assert_eq!(outside(&given).seen().connections, 1);
    assert_eq!(waiting(&given).await, BTreeMap::new());
    let client = Client::default();
    client
        .add_relay(outside(&given).url().as_str())
        .await
        .unwrap();
    client.connect().await;
    let author = signer(&given.context).public_key().to_hex();
    let author = nostr_sdk::PublicKey::from_hex(&author).unwrap();
    let asked = nostr_sdk::Filter::new().author(author);
    let found = client.fetch_events(asked, PATIENCE).await.unwrap();
    let mut found: Vec<String> = found.iter().map(|event| event.id.to_hex()).collect();
    let mut expected: Vec<String> = events.iter().map(|event| event.id().to_hex()).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    client.shutdown().await;
}

#[tokio::test]
async fn two_monitors_that_send_to_one_relay_send_each_event_once() {
    const RELAYS: usize = 12;
    let given = laboratory(RELAYS, MemberPlan::new(Behaviour::Honest)).await;
    // What was made before anybody was to be sent it.
    cycle(&sending(&given, [])).await;
    let events = ours(&given).await;
    let queued = events.iter().map(|event| Publication {
        relay: outside(&given).url().clone(),
        subject: event.id().to_hex(),
        event: event.id(),
        queued_at: given.now(),
    });
    let queued: Vec<Publication> = queued.collect();
    given.store().queue_publications(&queued).await.unwrap();
    let (one, other) = (
        sending(&given, [outside(&given)]),
        sending(&given, [outside(&given)]),
    );
    let (first, second) = tokio::join!(cycle(&one), cycle(&other));
    let (first, second) = (tally(&first), tally(&second));
    assert_eq!(
        first[0] + second[0],
        events.len() as u64,
        "{first:?} {second:?}"
    );
    assert_eq!(waiting(&given).await, BTreeMap::new());
    let mut sent = received(outside(&given));
    let mut expected: Vec<EventId> = events.iter().map(Event::id).collect();
    sent.sort();
    expected.sort();
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn without_a_list_nothing_is_sent_or_queued() {
    let given = laboratory(1, MemberPlan::new(Behaviour::Honest)).await;
    let summary = cycle(&sending(&given, [])).await;
    assert_eq!(tally(&summary), [0; 3]);
    assert_eq!(outside(&given).seen().connections, 0);
    assert_eq!(waiting(&given).await, BTreeMap::new());
    assert_eq!(discoveries(&given).await.len(), 1);
}

#[tokio::test]
async fn what_was_taken_is_not_sent_again_by_another_process_either() {
    let given = laboratory(2, MemberPlan::new(Behaviour::Honest)).await;
    cycle(&sending(&given, [outside(&given)])).await;
    let first = received(outside(&given));
    assert_eq!(first.len(), 2 + ABOUT_US);
    let given = given.restart().await;
    let monitor = sending(&given, [outside(&given)]);
    assert!(!monitor.has_due().await.unwrap());
    cycle(&monitor).await;
    assert_eq!(received(outside(&given)), first);
}

#[tokio::test]
async fn what_is_refused_is_on_record_and_not_repeated() {
    // One means later; another wants a log-in that it never offers.
    let refusals = REFUSALS
        .into_iter()
        .filter(|it| !it.starts_with("rate-limited"));
    let outside = refusals.map(|reason| MemberPlan::new(Behaviour::Refuses { reason }));
    let outside: Vec<MemberPlan> = outside.collect();
    let count = outside.len() as u64;
    let given = Given::start(plan_of(outside)).await;
    let monitor = sending(&given, given.fleet.members());
    let summary = cycle(&monitor).await;
    let refused = count * ABOUT_US as u64;
    assert_eq!(tally(&summary), [0, refused, 0]);
    assert_eq!(waiting(&given).await, BTreeMap::new());
    assert!(!monitor.has_due().await.unwrap());
    for member in given.fleet.members() {
        let Behaviour::Refuses { reason } = member.behaviour() else {
            panic!("{}", member.name());
        };
        let standing = standing(&given, member).await;
        assert_eq!(standing["problem"], *reason);
        assert_eq!(standing["refused"], ABOUT_US);
    }
    given.clock.advance(HOUR);
    assert_eq!(tally(&cycle(&monitor).await), [0; 3]);
}

#[tokio::test]
async fn what_may_pass_is_tried_again_after_a_while() {
    let reason = "rate-limited: slow down";
    let given = laboratory(1, MemberPlan::new(Behaviour::Refuses { reason })).await;
    let (outside, total) = (outside(&given), 1 + ABOUT_US as u64);
    let monitor = sending(&given, [outside]);
    assert_eq!(tally(&cycle(&monitor).await), [0, 0, 1]);
    assert_eq!(
        waiting(&given).await,
        [(outside.url().to_string(), total)].into()
    );
    assert_eq!(standing(&given, outside).await["problem"], reason);
    // It is left alone for about a minute.
    assert!(!monitor.has_due().await.unwrap());
    assert_eq!(tally(&cycle(&monitor).await), [0; 3]);
    assert_eq!(received(outside).len(), 1);
    given.clock.advance(90);
    assert!(monitor.has_due().await.unwrap());
    outside.turn(&Behaviour::Honest);
    assert_eq!(tally(&cycle(&monitor).await), [total, 0, 0]);
    assert_eq!(standing(&given, outside).await["failures"], 0);
    assert_eq!(waiting(&given).await, BTreeMap::new());
    // The one that was put off came twice, everything else once.
    assert_eq!(received(outside).len() as u64, total + 1);
}

#[tokio::test]
async fn a_relay_that_is_down_gets_the_newest_version_of_everything_later() {
    let given = laboratory(2, MemberPlan::new(Behaviour::Honest)).await;
    let outside = outside(&given);
    outside.go_down().await;
    let monitor = sending(&given, [outside]);
    assert_eq!(tally(&cycle(&monitor).await), [0, 0, 1]);
    let before = ours(&given).await;
    given.clock.advance(HOUR);
    // Nobody is asked twice within an hour, but relays were checked anew, and what is said now is what counts.
    cycle(&monitor).await;
    let total = 2 + ABOUT_US as u64;
    assert_eq!(waiting(&given).await.into_values().sum::<u64>(), total);
    let expected = ours(&given).await;
    assert_ne!(before, expected);
    outside.come_back().await.unwrap();
    given.clock.advance(HOUR / 2);
    assert_eq!(tally(&cycle(&monitor).await), [total, 0, 0]);
    let mut received = received(outside);
    let mut expected: Vec<EventId> = expected.iter().map(Event::id).collect();
    received.sort();
    expected.sort();
    assert_eq!(received, expected);
}

#[tokio::test]
async fn a_silent_relay_holds_up_neither_checks_nor_other_relays() {
    let plan = [Behaviour::Honest, Behaviour::Honest, Behaviour::Silent].map(MemberPlan::new);
    let given = Given::start(plan_of(plan)).await;
    watch(&given, 1).await;
    let [_, honest, silent] = given.fleet.members() else {
        panic!("three members");
    };
    let started = Instant::now();
    let monitor = sending_within(&given, SHORT, [honest, silent]);
    let total = 1 + ABOUT_US as u64;
    assert_eq!(tally(&cycle(&monitor).await), [total, 0, 1]);
    assert!(started.elapsed() < AT_ONCE);
    assert_eq!(
        waiting(&given).await,
        [(silent.url().to_string(), total)].into()
    );
    assert_eq!(standing(&given, silent).await["problem"], "timed_out");
    assert_eq!(discoveries(&given).await.len(), 1);
}

#[tokio::test]
async fn a_restart_in_the_middle_of_a_round_loses_nothing_and_repeats_nothing() {
    const RELAYS: usize = 12;
    let given = laboratory(RELAYS, MemberPlan::new(Behaviour::Honest)).await;
    let tokens = Tokens::new();
    let one_by_one = given.context_with(|settings| settings.networks.local.max_tasks = 1);
    let monitor = monitor_with(&one_by_one, config(PATIENCE, [outside(&given)]));
    let stop = async {
        wait_until("some events were sent", async || {
            received(outside(&given)).len() > ABOUT_US + 1
        })
        .await;
        tokens.stop();
    };
    let (summary, ()) = tokio::join!(monitor.cycle(&tokens), stop);
    summary.unwrap();
    drop((monitor, one_by_one));
    let checked = discoveries(&given).await.len();
    assert!((1..RELAYS).contains(&checked), "in the middle: {checked}");
    // What is said again would be another event.
    given.clock.advance(60);
    let given = given.restart().await;
    cycle(&sending(&given, [outside(&given)])).await;
    let filter = json!({ "authors": [signer(&given.context).public_key().to_hex()] });
    let filter = Filter::from_value(&filter).unwrap();
    let bounds = QueryBounds::default();
    let stored = given.store().query(vec![filter], Scope::Stored, bounds);
    let stored = stored.await.unwrap().events;
    let mut stored: Vec<EventId> = stored.iter().map(Event::id).collect();
    let mut received = received(outside(&given));
    received.sort();
    stored.sort();
    assert_eq!(
        stored.len(),
        RELAYS + ABOUT_US,
        "no second version of anything"
    );
    assert_eq!(received, stored, "each event once");
    assert_eq!(waiting(&given).await, BTreeMap::new());
}

#[tokio::test]
async fn a_relay_that_wants_to_know_who_writes_is_told() {
    let given = laboratory(1, MemberPlan::new(Behaviour::AuthFirst)).await;
    let summary = cycle(&sending(&given, [outside(&given)])).await;
    assert_eq!(tally(&summary), [1 + ABOUT_US as u64, 0, 0]);
    let us = signer(&given.context).public_key();
    let seen = outside(&given).seen();
    assert!(!seen.auths.is_empty());
    assert!(seen.auths.iter().all(|event| event.pubkey() == us));
    assert_eq!(seen.connections, 1);
}

#[tokio::test]
async fn a_relay_that_refuses_everything_is_not_asked_a_thousand_times() {
    const RELAYS: usize = 24;
    let reason = REFUSALS[0];
    let given = laboratory(RELAYS, MemberPlan::new(Behaviour::Refuses { reason })).await;
    let monitor = sending(&given, [outside(&given)]);
    assert_eq!(tally(&cycle(&monitor).await), [0, 20, 0]);
    assert_eq!(waiting(&given).await.into_values().sum::<u64>(), 7);
    assert!(!monitor.has_due().await.unwrap());
    assert_eq!(received(outside(&given)).len(), 20);
}

#[tokio::test]
async fn what_waits_for_a_relay_that_was_struck_off_is_forgotten() {
    let given = laboratory(1, MemberPlan::new(Behaviour::Honest)).await;
    outside(&given).go_down().await;
    cycle(&sending(&given, [outside(&given)])).await;
    assert_eq!(waiting(&given).await.len(), 1);
    let overview = async || Overview::gather(given.store(), given.now()).await.unwrap();
    let told = overview().await.to_json()["publishing"].clone();
    assert_eq!(told[0]["relay"], outside(&given).url().as_str());
    assert_eq!(
        (&told[0]["waiting"], &told[0]["sent"]),
        (&json!(4), &json!(0))
    );
    assert!(told[0]["problem"].is_string());
    cycle(&sending(&given, [])).await;
    assert_eq!(waiting(&given).await, BTreeMap::new());
    assert_eq!(overview().await.outside, []);
}

#[tokio::test]
async fn each_kind_goes_where_it_is_to_go() {
    let plan = FleetPlan::new(3)
        .member(MemberPlan::new(Behaviour::Honest))
        .member(MemberPlan::new(Behaviour::Honest));
    let given = Given::start(plan).await;
    let [everything, profile] = given.fleet.members() else {
        panic!("two members");
    };
    let mut config = config(PATIENCE, [everything]);
    config.profile.relays = Some(vec![profile.url().clone()]);
    config.announcement.relays = Some(Vec::new());
    cycle(&monitor_with(&given.context, config)).await;
    let kinds =
        |member: &Member| -> Vec<Kind> { member.seen().events.iter().map(Event::kind).collect() };
    assert_eq!(kinds(everything), [Kind::RELAY_LIST]);
    assert_eq!(kinds(profile), [Kind::METADATA]);
}

#[tokio::test]
async fn outcomes_are_counted_for_each_relay() {
    let given = laboratory(1, MemberPlan::new(Behaviour::Honest)).await;
    let metrics = PublicationMetrics::default();
    let own_relay = RelayUrl::parse(OWN_RELAY).unwrap();
    let monitor = Monitor::new(
        given.context.clone(),
        config(PATIENCE, [outside(&given)]),
        signer(&given.context),
        Some(own_relay),
        metrics.clone(),
    );
    let url = outside(&given).url().as_str();
    let count = |outcome: &str| {
        metrics
            .publications
            .with_label_values(&[url, outcome])
            .get()
    };
    assert_eq!(["sent", "refused", "failed"].map(count), [0, 0, 0]);
    cycle(&monitor).await;
    assert_eq!(
        ["sent", "refused", "failed"].map(count),
        [1 + ABOUT_US as u64, 0, 0]
    );
}
