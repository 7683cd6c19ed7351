//! Relays that refuse: for want of a login, of a filter to their taste, of patience.

use std::time::{Duration, Instant};

use bigbrotr::model::GapReason;
use fleet::{Behaviour, FleetPlan, MemberPlan};
use nips::Kind;

use super::given::{Crawl, NOW};

#[tokio::test]
async fn b3_auth_required_is_a_gap_with_its_reason_after_one_question() {
    let crawl = Crawl::of_behaviour(Behaviour::ClosedAuthRequired, 100).await;
    let begun = Instant::now();
    let summary = crawl.cycle().await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(summary.count("failed_relays"), 1);
    let member = crawl.member();
    let gap = (0, NOW, GapReason::AuthRequired);
    assert_eq!(crawl.gap_ranges(member).await, [gap]);
    assert_eq!(crawl.covered(member).await, []);
    assert!(crawl.gaps(member).await[0].next_attempt_at > NOW + 3_600);
    assert_eq!(
        (member.seen().reqs.len(), member.seen().auths.len()),
        (1, 0)
    );
    assert_eq!(crawl.relay(member).await.sync_failures, 1);
    assert!(crawl.archived().await.is_empty());
}

#[tokio::test]
async fn b4_no_relay_learns_who_we_are_unless_the_operator_says_so() {
    let plan = FleetPlan::new(5)
        .events(300)
        .member(MemberPlan::new(Behaviour::AuthFirst))
        .member(MemberPlan::new(Behaviour::AuthFirst));
    let mut crawl = Crawl::of(plan).await;
    crawl.config.auth.relays = vec![crawl.fleet.member(1).url().clone()];
    crawl.run().await;
    let (stranger, friend) = (crawl.fleet.member(0), crawl.fleet.member(1));

    assert_eq!(stranger.seen().auths, []);
    let gap = (0, NOW, GapReason::AuthRequired);
    assert_eq!(crawl.gap_ranges(stranger).await, [gap]);
    assert!(crawl.seen_on(stranger).await.is_empty());

    let auths = friend.seen().auths;
    assert_eq!(auths.len(), 1);
    assert_eq!(auths[0].kind(), Kind::CLIENT_AUTH);
    assert_eq!(auths[0].pubkey(), crawl.signer.public_key());
    crawl.assert_complete(friend).await;
}

#[tokio::test]
async fn b5_a_relay_that_only_ever_says_slow_down_is_left_alone_with_its_window_open() {
    let mut crawl = Crawl::of_behaviour(Behaviour::RateLimited { every: 1 }, 100).await;
    crawl.config.timeouts.max_duration = Duration::from_secs(2);
    let begun = Instant::now();
    let summary = crawl.cycle().await;
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    let member = crawl.member();
    // A pause of about a second, and the next would take more time than is left.
    assert!(member.seen().reqs.len() <= 2);
    assert!(
        !summary.has_more,
        "coming back at once is what it asked us not to do"
    );
    assert_eq!(crawl.covered(member).await, []);
    let gap = (0, NOW, GapReason::RateLimited);
    assert_eq!(crawl.gap_ranges(member).await, [gap]);
    assert!(crawl.gaps(member).await[0].next_attempt_at > NOW + 600);
    let relay = crawl.relay(member).await;
    assert_eq!(relay.sync_failures, 1);
    assert!(relay.next_sync_at > NOW + 600);
}

#[tokio::test]
async fn refused_filters_are_gaps_with_their_reasons() {
    let plan = FleetPlan::new(5)
        .events(100)
        .member(MemberPlan::new(Behaviour::NeedsKinds))
        .member(MemberPlan::new(Behaviour::RefusesScraping));
    let crawl = Crawl::of(plan).await;
    crawl.run().await;
    for (member, reason) in crawl
        .fleet
        .members()
        .iter()
        .zip([GapReason::Closed, GapReason::Restricted])
    {
        assert_eq!(crawl.gap_ranges(member).await, [(0, NOW, reason)]);
        assert_eq!(member.seen().reqs.len(), 1);
        assert_eq!(crawl.relay(member).await.sync_failures, 1);
    }
}

#[tokio::test]
async fn an_auth_required_gap_is_filled_once_the_relay_is_listed() {
    let mut crawl = Crawl::of_behaviour(Behaviour::AuthFirst, 200).await;
    crawl.run().await;
    crawl.config.auth.relays = vec![crawl.member().url().clone()];
    let gap = crawl.gaps(crawl.member()).await[0];
    crawl.clock.advance(gap.next_attempt_at - NOW);
    crawl.wait_for_turn_of(crawl.member()).await;
    crawl.run().await;
    crawl.assert_complete(crawl.member()).await;
    assert_eq!(crawl.relay(crawl.member()).await.sync_failures, 0);
}
