//! Relays that others wrote and run, as programs of their own. `make test-relays` builds them and runs this.

use std::collections::BTreeSet;

use bigbrotr::clock::Clock;
use bigbrotr::model::RelayId;
use bigbrotr::services::CycleSummary;
use bigbrotr::store::CoverageStore;
use bigbrotr::store::coverage::FilterId;
use fleet::FleetPlan;
use fleet::events::Generator;
use nips::{Event, EventId, Filter};

use super::given::{Crawl, NOW, assert_same};
use super::nostr_rs_relay::{NostrRsRelay, Verdicts};

/// Several pages of each relay.
const EVENTS: usize = 4_500;
/// What is published after the first crawl.
const NEWS: u64 = 150;

/// Two relays of which each has two thirds of the events, so that a third is on both.
async fn two_relays(generator: &mut Generator) -> [NostrRsRelay; 2] {
    let events: Vec<Event> = generator.take(EVENTS).collect();
    let relays = [NostrRsRelay::start(), NostrRsRelay::start()];
    let third = EVENTS / 3;
    let (first, second) = (&events[..2 * third], &events[third..]);
    let [one, other] = &relays;
    let verdicts = tokio::join!(one.publish(first), other.publish(second));
    assert_refuses_only_what_expired(&verdicts.0);
    assert_refuses_only_what_expired(&verdicts.1);
    relays
}

fn assert_refuses_only_what_expired(verdicts: &Verdicts) {
    println!("published: {verdicts:?}");
    for (is_taken, words) in verdicts.keys() {
        let is_expected = *is_taken || words == "invalid: The event has already expired";
        assert!(is_expected, "{verdicts:?}");
    }
}

async fn held_by(relays: &[NostrRsRelay; 2]) -> [BTreeSet<EventId>; 2] {
    let [one, other] = relays;
    [one.held().await, other.held().await]
}

/// The archive is the union of what the relays hold, and knows of each event where it is.
async fn assert_archived(crawl: &Crawl, ids: [RelayId; 2], held: &[BTreeSet<EventId>; 2]) {
    let [one, other] = held;
    println!("held: {} and {}", one.len(), other.len());
    let union: BTreeSet<EventId> = one.union(other).copied().collect();
    assert!(one.len() < union.len() && other.len() < union.len());
    assert!(union.len() < one.len() + other.len(), "some are on both");
    assert_same(&crawl.archived().await, &union);
    for (relay, held) in ids.into_iter().zip(held) {
        assert_same(&crawl.seen_at(relay).await, held);
        assert_covered(crawl, relay).await;
    }
}

/// Nothing is left to be asked for.
async fn assert_covered(crawl: &Crawl, relay: RelayId) {
    let filter = FilterId::of(&Filter::default());
    assert_eq!(crawl.store().gaps(relay, filter).await.unwrap(), []);
    let covered = crawl.store().coverage(relay, filter).await.unwrap();
    let ranges: Vec<_> = covered.iter().map(|it| (it.from, it.until)).collect();
    let [(0, until)] = ranges[..] else {
        panic!("covered in {ranges:?}");
    };
    assert!(until > crawl.clock.now() - 3_600, "only until {until}");
}

fn sum(summaries: &[CycleSummary], name: &str) -> u64 {
    summaries.iter().map(|summary| summary.count(name)).sum()
}

#[tokio::test]
#[ignore = "needs nostr-rs-relay, which `make test-relays` builds"]
async fn nostr_rs_relays_are_archived_whole_and_then_only_what_is_new() {
    let mut generator = Generator::new(21);
    let relays = two_relays(&mut generator).await;
    let crawl = Crawl::of(FleetPlan::new(5)).await;
    let [one, other] = &relays;
    let ids = [crawl.add(&one.url()).await, crawl.add(&other.url()).await];
    let summaries = crawl.run().await;
    println!("crawled: {summaries:?}");
    assert_eq!(sum(&summaries, "synced_relays"), 2);
    assert_archived(&crawl, ids, &held_by(&relays).await).await;

    // So long that both are due again, and that the news are settled by then.
    crawl.clock.advance(7_200);
    let news: Vec<Event> = (0..NEWS).map(|at| generator.note_at(NOW + at)).collect();
    println!("published: {:?}", one.publish(&news).await);
    let sent = [one.sent(), other.sent()];
    let summaries = crawl.run().await;
    println!("crawled: {summaries:?}");
    assert_eq!(sum(&summaries, "synced_relays"), 2);
    assert_eq!(sum(&summaries, "synced_events"), NEWS);
    // The oldest second of a page is asked for again, with its one event: it could go on in the next page.
    let sent_since = [one.sent() - sent[0], other.sent() - sent[1]];
    assert!((NEWS..=NEWS + 1).contains(&sent_since[0]), "{sent_since:?}");
    assert_eq!(sent_since[1], 0);
    assert_archived(&crawl, ids, &held_by(&relays).await).await;
}
