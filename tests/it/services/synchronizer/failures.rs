//! Relays that are dead, die under us, and come back.

use std::time::Duration;

use bigbrotr::clock::Clock;
use bigbrotr::model::GapReason;
use fleet::{Behaviour, FleetPlan, MemberPlan};

use super::given::{Crawl, NOW, assert_same, eventually};

#[tokio::test]
async fn b30_a_dead_relay_is_data_and_does_not_disturb_the_others() {
    let plan = FleetPlan::new(5)
        .events(200)
        .member(MemberPlan::new(Behaviour::Dead))
        .member(MemberPlan::new(Behaviour::AcceptsThenCloses))
        .member(MemberPlan::new(Behaviour::HttpOnly { status: 404 }))
        .member(MemberPlan::new(Behaviour::Honest));
    let crawl = Crawl::of(plan).await;
    let summary = crawl.cycle().await;
    assert_eq!(summary.count("failed_relays"), 3);
    assert_eq!(summary.count("synced_relays"), 1);
    crawl.assert_complete(crawl.fleet.member(3)).await;
    for member in &crawl.fleet.members()[..3] {
        let relay = crawl.relay(member).await;
        assert_eq!(relay.sync_failures, 1, "{}", member.name());
        assert!((NOW + 720..=NOW + 1_080).contains(&relay.next_sync_at));
        // Nothing was asked, so nothing is known about any second.
        assert_eq!(crawl.covered(member).await, []);
        assert_eq!(crawl.gap_ranges(member).await, []);
    }
}

#[tokio::test]
async fn a_relay_that_is_down_is_tried_again_after_growing_pauses() {
    let crawl = Crawl::of_behaviour(Behaviour::AcceptsThenCloses, 0).await;
    let member = crawl.member();
    for failures in 1..=9_u32 {
        crawl.cycle().await;
        let relay = crawl.relay(member).await;
        assert_eq!(relay.sync_failures, failures);
        assert_eq!(member.seen().connections, failures as usize);
        let nominal = (900_u64 << (failures - 1)).min(86_400);
        let pause = relay.next_sync_at - crawl.clock.now();
        assert!(
            (nominal * 4 / 5..=nominal * 6 / 5 + 1).contains(&pause),
            "{pause}"
        );
        // A moment earlier it is left alone.
        crawl.clock.advance(pause - 1);
        crawl.cycle().await;
        assert_eq!(member.seen().connections, failures as usize);
        crawl.clock.advance(1);
    }
}

#[tokio::test]
async fn a_dead_relay_that_comes_back_is_archived_and_forgiven() {
    let crawl = Crawl::of_behaviour(Behaviour::Dead, 150).await;
    let member = crawl.member();
    crawl.run().await;
    crawl.wait_for_turn_of(member).await;
    crawl.run().await;
    assert_eq!(crawl.relay(member).await.sync_failures, 2);
    member.come_back().await.unwrap();
    crawl.wait_for_turn_of(member).await;
    crawl.run().await;
    crawl.assert_complete(member).await;
    assert_eq!(crawl.relay(member).await.sync_failures, 0);
}

#[tokio::test]
async fn a_relay_that_dies_in_the_middle_is_finished_when_it_is_back() {
    let mut crawl = Crawl::of_behaviour(Behaviour::Honest, 1_000).await;
    crawl.config.processing.limit = 20;
    crawl.config.timeouts.max_duration = Duration::from_secs(2);
    let member = crawl.member();
    let breaking = async {
        eventually(async || member.seen().reqs.len() > 10).await;
        member.go_down().await;
    };
    let (summary, ()) = tokio::join!(crawl.cycle(), breaking);
    assert_eq!(summary.count("unfinished_relays"), 1);
    let (before, sent) = (crawl.archived().await, member.seen().sent_events);
    assert!((100..1_000).contains(&before.len()), "{}", before.len());
    assert_eq!(crawl.covered(member).await.len(), 1);
    // What it gave before it died was progress.
    assert_eq!(crawl.relay(member).await.sync_failures, 0);

    // Its next turn finds it dead.
    crawl.wait_for_turn_of(member).await;
    crawl.cycle().await;
    assert_eq!(crawl.relay(member).await.sync_failures, 1);
    assert_same(&crawl.archived().await, &before);

    member.come_back().await.unwrap();
    crawl.wait_for_turn_of(member).await;
    crawl.run().await;
    crawl.assert_complete(member).await;
    let again = member.seen().sent_events - sent;
    let missing = member.holds().len() - before.len();
    assert!(
        again <= missing * 13 / 10 + 40,
        "{again} events sent, {missing} missing"
    );
}

#[tokio::test]
async fn a_gap_is_closed_once_the_relay_recovers_and_only_the_gap_is_asked_for() {
    let mut crawl = Crawl::of_behaviour(Behaviour::Cap { limit: 50 }, 300).await;
    let middle = crawl.fleet.events()[150].created_at();
    crawl.config.processing.since = middle;
    crawl.run().await;
    let (before, asked) = (crawl.archived().await, crawl.member().seen().reqs.len());

    crawl.member().turn(&Behaviour::RateLimited { every: 1 });
    crawl.config.processing.since = 0;
    crawl.config.timeouts.max_duration = Duration::from_secs(1);
    crawl.wait_for_turn_of(crawl.member()).await;
    crawl.cycle().await;
    let member = crawl.member();
    let gaps = crawl.gap_ranges(member).await;
    assert_eq!(gaps[0], (0, middle - 1, GapReason::RateLimited));
    assert_same(&crawl.archived().await, &before);

    member.turn(&Behaviour::Cap { limit: 50 });
    let due_at = crawl
        .gaps(member)
        .await
        .iter()
        .map(|gap| gap.next_attempt_at)
        .max();
    crawl.clock.advance(due_at.unwrap() - crawl.clock.now());
    crawl.wait_for_turn_of(member).await;
    crawl.run().await;
    crawl.assert_complete(member).await;
    for req in &member.seen().reqs[asked..] {
        let filter = &req.filters[0];
        let is_known = filter.since >= Some(middle) && filter.until < Some(NOW - 3_600);
        assert!(!is_known, "{filter:?} was covered already");
    }
}

#[tokio::test]
async fn a_gap_waits_for_its_moment_while_newer_seconds_are_asked_for() {
    let crawl = Crawl::of_behaviour(Behaviour::ClosedAuthRequired, 0).await;
    let member = crawl.member();
    crawl.cycle().await;
    let first = crawl.gaps(member).await[0];
    // The relay's turn comes before the gap's.
    crawl.wait_for_turn_of(member).await;
    let second_visit = crawl.clock.now();
    assert!(second_visit < first.next_attempt_at);
    crawl.cycle().await;
    let gaps = crawl.gaps(member).await;
    assert_eq!((gaps.len(), gaps[0]), (2, first));
    assert_eq!((gaps[1].from, gaps[1].until), (NOW + 1, second_visit));

    // When all their moments have come, they are one gap with one history.
    let latest = gaps.iter().map(|gap| gap.next_attempt_at).max();
    crawl.clock.advance(latest.unwrap() - second_visit);
    crawl.wait_for_turn_of(member).await;
    crawl.cycle().await;
    let gaps = crawl.gaps(member).await;
    assert_eq!(gaps.len(), 1);
    assert_eq!((gaps[0].from, gaps[0].until), (0, crawl.clock.now()));
    assert_eq!((gaps[0].attempts, gaps[0].found_at), (2, NOW));
    let pause = gaps[0].next_attempt_at - crawl.clock.now();
    let first_pause = first.next_attempt_at - NOW;
    assert!(pause * 5 >= first_pause * 6, "{pause} after {first_pause}");
}

#[tokio::test]
async fn a_relay_that_refuses_for_weeks_has_few_gaps() {
    let crawl = Crawl::of_behaviour(Behaviour::ClosedAuthRequired, 0).await;
    let member = crawl.member();
    for _ in 0..40 {
        crawl.cycle().await;
        crawl.wait_for_turn_of(member).await;
    }
    assert!(crawl.clock.now() > NOW + 14 * 86_400);
    let gaps = crawl.gaps(member).await;
    assert!(gaps.len() <= 12, "{} gaps", gaps.len());
    let missing: u64 = gaps.iter().map(|gap| gap.until - gap.from + 1).sum();
    assert_eq!(missing, gaps[gaps.len() - 1].until + 1, "without a hole");
    assert_eq!(member.seen().reqs.len(), 40);
}
