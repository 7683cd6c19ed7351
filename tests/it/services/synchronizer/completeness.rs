//! Relays that make it hard to get everything, and honest ones that make it easy.

use std::collections::BTreeSet;
use std::time::Duration;

use bigbrotr::config::{ProcessingOverrides, SyncOverride, TimeoutOverrides};
use bigbrotr::model::GapReason;
use fleet::events::Generator;
use fleet::{Access, Behaviour, Certificate, Completeness, FleetPlan, Member, MemberPlan};
use nips::{Event, EventId, Filter, Kind};

use super::given::{Crawl, NOW, assert_same};

/// The second in which the laboratory's bursts happen.
const BURST: u64 = 1_701_000_000;

#[tokio::test]
async fn a_healthy_relay_that_others_wrote_is_archived_whole() {
    let crawl = Crawl::of_one(MemberPlan::healthy(), 1_200).await;
    let summaries = crawl.run().await;
    assert_eq!(summaries.len(), 1);
    let member = crawl.member();
    assert_same(&crawl.archived().await, &member.stored().await.unwrap());
    crawl.assert_complete(member).await;
    assert_eq!(summaries[0].count("synced_relays"), 1);
    let stored = member.holds().len() as u64;
    assert_eq!(summaries[0].count("synced_events"), stored);
    assert_eq!(crawl.relay(member).await.sync_failures, 0);
}

#[tokio::test]
async fn b5_one_refusal_in_twenty_for_asking_too_fast_loses_nothing() {
    assert_nothing_is_lost_to_rate_limits(20, 20, 600).await;
}

#[tokio::test]
async fn b5_one_refusal_in_a_hundred_for_asking_too_fast_loses_nothing() {
    assert_nothing_is_lost_to_rate_limits(100, 10, 1_000).await;
}

/// Each `every`-th REQ is refused, and pages are so small that it happens.
async fn assert_nothing_is_lost_to_rate_limits(every: usize, limit: usize, events: usize) {
    let mut crawl = Crawl::of_behaviour(Behaviour::RateLimited { every }, events).await;
    crawl.config.processing.limit = limit;
    crawl.run().await;
    let asked = crawl.member().seen().reqs.len();
    assert!(asked > every, "asked only {asked} times");
    crawl.assert_complete(crawl.member()).await;
}

#[tokio::test]
async fn b6_questions_that_are_never_answered_lose_nothing() {
    let mut crawl = Crawl::of_behaviour(Behaviour::Unanswered { every: 50 }, 600).await;
    crawl.config.processing.limit = 10;
    crawl.run().await;
    assert!(crawl.member().seen().reqs.len() > 50);
    crawl.assert_complete(crawl.member()).await;
}

#[tokio::test]
async fn b7_a_connection_that_is_cut_after_200_events_is_resumed() {
    let crawl = Crawl::of_behaviour(Behaviour::DisconnectAfter { events: 200 }, 700).await;
    crawl.run().await;
    assert!(crawl.member().seen().connections > 3);
    crawl.assert_complete(crawl.member()).await;
}

#[tokio::test]
async fn b8_a_relay_with_a_cap_of_its_own_is_complete_at_little_cost() {
    let crawl = Crawl::of_behaviour(Behaviour::Cap { limit: 100 }, 1_500).await;
    crawl.run().await;
    let member = crawl.member();
    crawl.assert_complete(member).await;
    let (held, seen) = (member.holds().len(), member.seen());
    assert!(held >= 1_500);
    let new: usize = crawl
        .events()
        .await
        .iter()
        .map(|event| event.to_json().len())
        .sum();
    let traffic = seen.sent_bytes as f64 / new as f64;
    assert!(
        traffic <= 1.2,
        "{traffic:.2} bytes were sent for each new one"
    );
    assert!(
        seen.reqs.len() <= held / 100 * 9 / 8 + 2,
        "{} questions",
        seen.reqs.len()
    );
    assert_eq!(seen.connections, 1);
}

#[tokio::test]
async fn b9_oldest_first_is_complete_in_one_cycle() {
    let crawl = Crawl::of_behaviour(Behaviour::OldestFirst { cap: 100 }, 700).await;
    let summary = crawl.cycle().await;
    assert_eq!(summary.count("synced_relays"), 1);
    crawl.assert_complete(crawl.member()).await;
    let sent = crawl.member().seen().sent_events;
    assert!(
        sent * 10 <= crawl.member().holds().len() * 13,
        "{sent} sent"
    );
}

#[tokio::test]
async fn b10_random_order_is_complete_but_for_what_is_a_gap() {
    let crawl = Crawl::of_behaviour(Behaviour::RandomOrder { cap: 100 }, 700).await;
    crawl.run().await;
    let member = crawl.member();
    let archived = crawl.seen_on(member).await;
    let gaps = crawl.gaps(member).await;
    let is_in_a_gap = |event: &Event| {
        gaps.iter()
            .any(|gap| (gap.from..=gap.until).contains(&event.created_at()))
    };
    let lost = crawl
        .fleet
        .events()
        .iter()
        .filter(|event| !archived.contains(&event.id()) && !is_in_a_gap(event));
    assert_eq!(lost.count(), 0);
    assert!(archived.is_subset(&member.holds()));
    // Nothing of it is as crowded as a page, so that there is no reason for a gap.
    crawl.assert_complete(member).await;
}

#[tokio::test]
async fn b11_a_second_with_more_than_the_relay_hands_out_is_exactly_one_gap() {
    let burst = Behaviour::BurstSecond {
        events: 300,
        cap: 100,
    };
    let crawl = Crawl::of_behaviour(burst, 400).await;
    crawl.run().await;
    let member = crawl.member();
    let gap = (BURST, BURST, GapReason::OverfullSecond);
    assert_eq!(crawl.gap_ranges(member).await, [gap]);
    let archived = crawl.seen_on(member).await;
    let (crowded, others): (BTreeSet<EventId>, BTreeSet<EventId>) = {
        let events = crawl.fleet.events();
        let is_crowded = |event: &&std::sync::Arc<Event>| event.created_at() == BURST;
        let (crowded, others): (Vec<_>, Vec<_>) = events.iter().partition(is_crowded);
        (ids(&crowded), ids(&others))
    };
    assert_eq!(crowded.len(), 300);
    assert!(others.is_subset(&archived));
    assert_eq!(archived.intersection(&crowded).count(), 100);
    let covered = crawl.covered(member).await;
    assert_eq!((covered.len(), covered[0]), (2, (0, BURST - 1)));
    assert_eq!(covered[1].0, BURST + 1);
    // Its next attempt is a day away, and the relay is in no disgrace.
    assert!(crawl.gaps(member).await[0].next_attempt_at > NOW + 60_000);
    assert_eq!(crawl.relay(member).await.sync_failures, 0);
}

#[tokio::test]
async fn b11_a_crowded_second_is_complete_when_the_filter_says_into_what_to_split_it() {
    let mut generator = Generator::new(9);
    let authors: Vec<_> = (0..4).map(|_| generator.author()).collect();
    let note = |number: usize| {
        let author = &authors[number % authors.len()];
        author.sign(Kind::TEXT_NOTE, BURST, Vec::new(), format!("note {number}"))
    };
    let member =
        MemberPlan::new(Behaviour::Cap { limit: 100 }).own_events((0..300).map(note).collect());
    let filter = Filter {
        authors: Some(authors.iter().map(|author| author.pubkey()).collect()),
        ..Filter::default()
    };
    let mut crawl = Crawl::of_one(member, 200).await;
    crawl.config.processing.filters = vec![filter.clone()];
    crawl.run().await;
    let member = crawl.member();
    assert_eq!(crawl.seen_on(member).await.len(), 300);
    let covered = crawl.coverage_of(member, &filter).await;
    assert_eq!(covered.len(), 1, "{covered:?}");
    assert_eq!(covered[0].from, 0);
}

#[tokio::test]
async fn b11_what_hides_in_a_crowded_second_is_found_by_the_authors_known_there() {
    let mut generator = Generator::new(9);
    let authors: Vec<_> = (0..150).map(|_| generator.author()).collect();
    let sign = |(number, at): (usize, u64)| {
        let author = &authors[number % authors.len()];
        author.sign(Kind::TEXT_NOTE, at, Vec::new(), format!("note {number}"))
    };
    let crowd = (0..300).map(|number| (number, BURST));
    let history = (0..150).map(|number| (number, BURST - 1_000 + number as u64));
    let notes = crowd.chain(history).map(sign).collect();
    let member = MemberPlan::new(Behaviour::Cap { limit: 100 }).own_events(notes);
    let crawl = Crawl::of_one(member, 0).await;
    let member = crawl.member();
    crawl.run().await;
    // The crowd came before any of its authors was known; who was seen in the page was asked about.
    let gap = (BURST, BURST, GapReason::OverfullSecond);
    assert_eq!(crawl.gap_ranges(member).await, [gap]);
    assert!(crawl.seen_on(member).await.len() < 450);

    let next_attempt_at = crawl.gaps(member).await[0].next_attempt_at;
    crawl.clock.advance(next_attempt_at - NOW);
    crawl.run().await;
    assert_eq!(crawl.seen_on(member).await.len(), 450);
    // Nothing shows that nobody else wrote in that second.
    assert_eq!(crawl.gap_ranges(member).await, [gap]);
    assert_eq!(crawl.relay(member).await.sync_failures, 0);
}

#[tokio::test]
async fn b28_an_empty_relay_is_covered_by_one_question() {
    let crawl = Crawl::of_one(MemberPlan::empty(), 0).await;
    let summary = crawl.cycle().await;
    assert_eq!(
        (summary.count("synced_relays"), summary.has_more),
        (1, false)
    );
    let member = crawl.member();
    let seen = member.seen();
    assert_eq!(
        (seen.reqs.len(), seen.connections, seen.auths.len()),
        (1, 1, 0)
    );
    crawl.assert_complete(member).await;
    assert!(crawl.archived().await.is_empty());
}

#[tokio::test]
async fn b32_the_same_events_on_eight_relays_are_verified_once() {
    let events: Vec<Event> = Generator::new(3).take(400).collect();
    let mut plan = FleetPlan::new(5);
    for _ in 0..8 {
        let member = MemberPlan::new(Behaviour::Honest).own_events(events.clone());
        plan = plan.member(member);
    }
    let crawl = Crawl::of(plan).await;
    let summary = crawl.cycle().await;
    crawl.assert_all_complete(crawl.fleet.members()).await;
    let counts = crawl.archive.counts();
    assert_eq!((counts.stored, counts.verified), (400, 400));
    assert_eq!(summary.count("synced_events"), 400);
    assert_eq!(crawl.archived().await.len(), 400);
}

#[tokio::test]
async fn every_scenario_at_once_leaves_the_union_of_the_honest() {
    let mut crawl = Crawl::of(FleetPlan::mixed(3, 66, 1_000)).await;
    let members = crawl.fleet.members().iter();
    let hopeless = members.filter(|member| member.completeness() == Completeness::Nothing);
    crawl.config.overrides = hopeless.map(with_little_time).collect();
    crawl.run().await;
    let archived = crawl.archived().await;
    let due = crawl.fleet.union_of_valid_events();
    assert_same(&(&archived & &due), &due);
    let allowed = crawl.fleet.archivable_events();
    assert_same(&archived, &(&archived & &allowed));
    assert!(archived.is_disjoint(&crawl.fleet.forged_events()));
    let members = crawl.fleet.members().iter();
    let whole = members.filter(|member| member.completeness() == Completeness::Whole);
    crawl.assert_all_complete(whole).await;
    assert_eq!(crawl.fleet.canary().visits(), 0);
}

#[tokio::test]
async fn relays_behind_tls_and_proxies_and_healthy_ones_make_one_union() {
    let of = |behaviour| MemberPlan::new(behaviour);
    let plan = FleetPlan::new(5)
        .events(600)
        .member(MemberPlan::healthy())
        .member(of(Behaviour::Cap { limit: 50 }))
        .member(of(Behaviour::Honest).access(Access::Tls(Certificate::Valid)))
        .member(of(Behaviour::Honest).access(Access::Onion))
        .member(of(Behaviour::OldestFirst { cap: 100 }).access(Access::I2p))
        .member(MemberPlan::healthy().access(Access::Loki));
    let crawl = Crawl::of(plan).await;
    crawl.run().await;
    assert_same(
        &crawl.archived().await,
        &crawl.fleet.union_of_valid_events(),
    );
    crawl.assert_all_complete(crawl.fleet.members()).await;
}

/// So that the test does not wait for those of whom nothing is to be had.
fn with_little_time(member: &Member) -> SyncOverride {
    SyncOverride {
        url: member.url().clone(),
        processing: ProcessingOverrides::default(),
        timeouts: TimeoutOverrides {
            idle: None,
            max_duration: Some(Duration::from_secs(2)),
        },
    }
}

fn ids(events: &[&std::sync::Arc<Event>]) -> BTreeSet<EventId> {
    events.iter().map(|event| event.id()).collect()
}
