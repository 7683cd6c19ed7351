//! Relays that lie, stream without end, send monsters, or are slow on purpose.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bigbrotr::clock::Clock;
use bigbrotr::model::GapReason;
use fleet::events::Generator;
use fleet::{Access, Behaviour, Certificate, FleetPlan, MemberPlan};
use nips::{Event, EventId, Kind, Network};

use super::given::{Crawl, NOW, assert_same, eventually};

#[tokio::test]
async fn b12_a_relay_that_ignores_time_gives_its_newest_page_and_is_on_record() {
    let crawl = Crawl::of_behaviour(Behaviour::IgnoresTimeBounds { cap: 100 }, 400).await;
    crawl.run().await;
    let member = crawl.member();
    let mut newest: Vec<&Arc<Event>> = crawl.fleet.events().iter().collect();
    newest.sort_by_key(|event| (std::cmp::Reverse(event.created_at()), event.id()));
    let newest: BTreeSet<EventId> = newest.iter().take(100).map(|e| e.id()).collect();
    assert_same(&crawl.archived().await, &newest);
    assert_eq!(
        crawl.gap_ranges(member).await,
        [(0, NOW, GapReason::Unbounded)]
    );
    assert_eq!(crawl.covered(member).await, []);
    assert!(member.seen().reqs.len() <= 3);
    assert_eq!(crawl.relay(member).await.sync_failures, 1);

    // What is published later is among the newest.
    let note = Generator::new(77).note_at(NOW + 60);
    member.publish(note.clone()).await.unwrap();
    crawl.wait_for_turn_of(member).await;
    let asked = member.seen().reqs.len();
    crawl.run().await;
    assert!(crawl.archived().await.contains(&note.id()));
    assert_eq!(crawl.covered(member).await, []);
    // What it is like is remembered.
    assert_eq!(member.seen().reqs.len(), asked + 1);
}

#[tokio::test]
async fn b13_nothing_of_a_liar_is_archived_but_the_truth() {
    let crawl = Crawl::of_behaviour(Behaviour::Liar, 700).await;
    let summary = crawl.cycle().await;
    let member = crawl.member();
    let archived = crawl.archived().await;
    assert_same(&archived, &member.holds());
    assert!(archived.is_disjoint(&member.forged()));
    for reason in ["id-mismatch", "sig-invalid", "not-asked-for"] {
        let refused = crawl.archive.counts().refused;
        assert!(
            refused.get(reason).is_some_and(|count| *count > 1),
            "{refused:?}"
        );
    }
    let refused: u64 = crawl.archive.counts().refused.values().sum();
    assert_eq!(summary.count("invalid_events"), refused);
    // It is left alone for longer than a relay that tells the truth.
    let relay = crawl.relay(member).await;
    assert_eq!(relay.sync_failures, 1);
    crawl.wait_for_turn_of(member).await;
    for number in 0..60 {
        let note = Generator::new(number).note_at(NOW + 1 + number);
        member.publish(note).await.unwrap();
    }
    crawl.cycle().await;
    let relay = crawl.relay(member).await;
    assert_eq!(relay.sync_failures, 2);
    let in_good_standing = crawl.clock.now() + crawl.config.interval.as_secs() * 6 / 5;
    assert!(relay.next_sync_at > in_good_standing);
    assert_same(&crawl.archived().await, &member.holds());
}

#[tokio::test]
async fn a_relay_is_no_liar_for_what_the_archive_does_not_keep() {
    let author = Generator::new(4).author();
    let note = |number: u64| {
        author.sign(
            Kind::TEXT_NOTE,
            NOW - 9_000 + number,
            Vec::new(),
            "soon gone",
        )
    };
    let vanish = author.sign(
        Kind::REQUEST_TO_VANISH,
        NOW - 1_000,
        vec![vec!["relay".to_owned(), "ALL_RELAYS".to_owned()]],
        "",
    );
    let plan = FleetPlan::new(5)
        .member(MemberPlan::new(Behaviour::Honest).own_events(vec![vanish]))
        .member(MemberPlan::new(Behaviour::Honest).own_events((0..50).map(note).collect()));
    let mut crawl = Crawl::of(plan).await;
    crawl.net.networks.get_mut(Network::Local).max_tasks = 1;
    crawl.run().await;
    assert!(crawl.archive.counts().refused["vanished"] >= 50);
    let member = crawl.fleet.member(1);
    assert_eq!(crawl.relay(member).await.sync_failures, 0);
    assert_eq!(crawl.gap_ranges(member).await, []);
}

#[tokio::test]
async fn b14_a_stream_without_end_is_cut_off_and_what_came_is_kept() {
    let pace = Duration::from_millis(1);
    let mut crawl = Crawl::of_behaviour(Behaviour::Endless { pace }, 0).await;
    crawl.config.processing.limit = 100;
    crawl.run().await;
    let member = crawl.member();
    let archived = crawl.archived().await;
    assert_eq!(archived.len(), 200, "twice what was asked for");
    assert!(archived.is_subset(&member.streamed()));
    assert_eq!(
        crawl.gap_ranges(member).await,
        [(0, NOW, GapReason::BudgetExceeded)]
    );
    assert_eq!(crawl.covered(member).await, []);
    assert_eq!(crawl.relay(member).await.sync_failures, 1);
    eventually(async || member.seen().open_connections == 0).await;

    // Each visit gets on, and each pause is longer.
    crawl.wait_for_turn_of(member).await;
    crawl.run().await;
    assert!(crawl.archived().await.len() > 300);
    assert_eq!(crawl.relay(member).await.sync_failures, 2);
}

#[tokio::test]
async fn b14_a_trickle_without_end_has_the_relays_share_of_time_and_no_more() {
    let pace = Duration::from_millis(20);
    let mut crawl = Crawl::of_behaviour(Behaviour::Endless { pace }, 0).await;
    crawl.config.timeouts.max_duration = Duration::from_secs(1);
    let begun = Instant::now();
    let summary = crawl.cycle().await;
    assert!(begun.elapsed() < Duration::from_secs(4));
    let member = crawl.member();
    assert!(!crawl.archived().await.is_empty());
    assert_eq!(crawl.covered(member).await, []);
    // Nothing was proven, so that coming back at once would lead nowhere.
    assert!(!summary.has_more);
    let relay = crawl.relay(member).await;
    assert_eq!(relay.sync_failures, 1);
    assert!(relay.next_sync_at > NOW + 600);
}

#[tokio::test]
async fn b15_a_frame_of_50_megabytes_is_refused_unread() {
    let crawl = Crawl::of_behaviour(Behaviour::HugeFrame { bytes: 50 << 20 }, 0).await;
    let begun = Instant::now();
    let summary = crawl.cycle().await;
    assert!(begun.elapsed() < Duration::from_secs(10));
    let member = crawl.member();
    assert_eq!(summary.count("failed_relays"), 1);
    assert!(crawl.archived().await.is_empty());
    assert_eq!(crawl.covered(member).await, []);
    let gaps = crawl.gap_ranges(member).await;
    assert!(gaps.iter().all(|gap| gap.2 == GapReason::BudgetExceeded));
    assert_eq!((gaps[0].0, gaps[gaps.len() - 1].1), (0, NOW));
    assert_eq!(crawl.relay(member).await.sync_failures, 1);
}

#[tokio::test]
async fn b15_one_event_larger_than_a_frame_costs_its_second_and_no_more() {
    let at = 1_700_005_000;
    let author = Generator::new(4).author();
    let monster = author.sign(Kind::TEXT_NOTE, at, Vec::new(), "m".repeat(3 << 20));
    let member = MemberPlan::new(Behaviour::Honest).own_events(vec![monster.clone()]);
    let crawl = Crawl::of_one(member, 300).await;
    crawl.run().await;
    let member = crawl.member();
    let gap = (at, at, GapReason::BudgetExceeded);
    assert_eq!(crawl.gap_ranges(member).await, [gap]);
    let mut others = member.holds();
    others.remove(&monster.id());
    let neighbours = crawl
        .fleet
        .events()
        .iter()
        .filter(|event| event.created_at() == at);
    assert_eq!(neighbours.count(), 1);
    assert_same(&crawl.seen_on(member).await, &others);
    assert_eq!(crawl.relay(member).await.sync_failures, 0);
}

#[tokio::test]
async fn b16_a_byte_a_second_never_outlasts_the_deadline() {
    let pace = Duration::from_secs(1);
    let plan = FleetPlan::new(5)
        .member(MemberPlan::new(Behaviour::SlowHandshake { pace }))
        .member(MemberPlan::new(Behaviour::SlowFrame { pace }))
        .member(
            MemberPlan::new(Behaviour::SlowTls { pace }).access(Access::Tls(Certificate::Valid)),
        );
    let mut crawl = Crawl::of(plan).await;
    for network in [Network::Local, Network::Clearnet] {
        crawl.net.networks.get_mut(network).timeout = Duration::from_secs(1);
    }
    crawl.config.timeouts.max_duration = Duration::from_secs(2);
    let begun = Instant::now();
    let summary = crawl.cycle().await;
    assert!(
        begun.elapsed() < Duration::from_secs(6),
        "{:?}",
        begun.elapsed()
    );
    assert!(!summary.has_more);
    for member in crawl.fleet.members() {
        let relay = crawl.relay(member).await;
        assert_eq!(relay.sync_failures, 1, "{}", member.name());
        assert!(relay.next_sync_at > NOW + 600);
        assert_eq!(crawl.covered(member).await, []);
    }
}

#[tokio::test]
async fn b17_b18_huge_tags_are_archived_whole_among_the_rest() {
    let plan = FleetPlan::new(5)
        .events(200)
        .member(MemberPlan::new(Behaviour::HugeTags))
        .member(MemberPlan::new(Behaviour::LongIdentifier));
    let crawl = Crawl::of(plan).await;
    crawl.run().await;
    crawl.assert_all_complete(crawl.fleet.members()).await;
    let archived = crawl.events().await;
    let mut huge = 0;
    for event in &archived {
        let given = crawl
            .fleet
            .events()
            .iter()
            .find(|given| given.id() == event.id());
        assert_eq!(given.map(|given| given.to_json()), Some(event.to_json()));
        huge += usize::from(event.to_json().len() > 1 << 20);
    }
    assert_eq!(huge, 1);
    assert_eq!(crawl.archive.counts().refused.len(), 0);
}

#[tokio::test]
async fn an_operator_may_refuse_events_above_a_size() {
    let mut crawl = Crawl::of_behaviour(Behaviour::HugeTags, 100).await;
    crawl.config.processing.max_event_size = Some(4_096);
    crawl.run().await;
    let archived = crawl.events().await;
    assert!(archived.iter().all(|event| event.to_json().len() <= 4_096));
    let held = crawl.fleet.events();
    let too_large = held.iter().filter(|event| event.to_json().len() > 4_096);
    let too_large = too_large.count();
    assert!(too_large >= 1);
    assert_eq!(archived.len() + too_large, held.len());
    assert!(crawl.archive.counts().refused["too-large"] >= too_large as u64);
    // Their seconds are on record, for the day on which the operator decides otherwise.
    let gaps = crawl.gaps(crawl.member()).await;
    assert!(gaps.iter().all(|gap| gap.reason == GapReason::TooLarge));
    let is_gap = |at: u64| gaps.iter().any(|gap| (gap.from..=gap.until).contains(&at));
    let mut refused = held.iter().filter(|event| event.to_json().len() > 4_096);
    assert!(refused.all(|event| is_gap(event.created_at())));
}
