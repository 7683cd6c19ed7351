//! Late arrivals: events that reach a relay long after what they are dated.

use std::time::Duration;

use bigbrotr::clock::Clock;
use fleet::events::Generator;
use fleet::{Behaviour, Syncing};
use nips::Event;

use super::given::{Crawl, NOW, assert_same};

const COMPARING: Behaviour = Behaviour::Syncs(Syncing::Honest { max_events: 10_000 });
const DAY: u64 = 86_400;

/// A crawl that has caught up with a relay of many pages.
async fn caught_up(behaviour: Behaviour) -> Crawl {
    let mut crawl = Crawl::of_behaviour(behaviour, 400).await;
    crawl.config.processing.limit = 100;
    crawl.run().await;
    crawl.assert_complete(crawl.member()).await;
    crawl
}

/// An event that arrives now and is dated otherwise.
async fn arrive(crawl: &Crawl, created_at: u64) -> Event {
    let event = Generator::new(created_at).note_at(created_at);
    crawl.member().publish(event.clone()).await.unwrap();
    event
}

async fn visit_after(crawl: &Crawl, seconds: u64) {
    crawl.clock.advance(seconds);
    crawl.wait_for_turn_of(crawl.member()).await;
    crawl.run().await;
}

#[tokio::test]
async fn what_is_dated_a_little_back_comes_with_the_next_visit() {
    for behaviour in [COMPARING, Behaviour::Honest] {
        let crawl = caught_up(behaviour).await;
        let covered_until = crawl.covered(crawl.member()).await[0].1;
        let late = arrive(&crawl, covered_until - 200).await;
        visit_after(&crawl, 1_000).await;
        assert!(crawl.archived().await.contains(&late.id()));
    }
}

#[tokio::test]
async fn what_is_dated_a_day_back_comes_within_a_day_by_comparing() {
    let crawl = caught_up(COMPARING).await;
    let late = arrive(&crawl, NOW - DAY).await;
    let sent = crawl.member().seen().sent_events;
    visit_after(&crawl, 1_000).await;
    assert!(!crawl.archived().await.contains(&late.id()));
    visit_after(&crawl, DAY).await;
    assert!(crawl.archived().await.contains(&late.id()));
    assert_eq!(crawl.member().seen().sent_events, sent + 1);
}

#[tokio::test]
async fn everything_is_compared_again_within_a_month() {
    // Without a second look in between.
    let mut crawl = caught_up(COMPARING).await;
    crawl.config.resweep.interval = Duration::ZERO;
    let late = arrive(&crawl, 1_690_000_000).await;
    visit_after(&crawl, 20 * DAY).await;
    assert!(!crawl.archived().await.contains(&late.id()));
    visit_after(&crawl, 11 * DAY).await;
    crawl.assert_complete(crawl.member()).await;
}

#[tokio::test]
async fn paging_takes_a_sample_and_what_it_brings_makes_it_look_at_everything_recent() {
    let mut crawl = caught_up(Behaviour::Honest).await;
    crawl.config.resweep.interval = Duration::ZERO;
    visit_after(&crawl, 3 * DAY).await;
    // A sixteenth of three days has several of them, wherever it lies.
    for hour in 1..70 {
        arrive(&crawl, NOW + hour * 3_600).await;
    }
    let (before, now) = (crawl.archived().await.len(), crawl.clock.now());
    visit_after(&crawl, 1_000).await;
    assert_eq!(crawl.archived().await.len(), before);
    crawl.config.resweep.interval = Duration::from_secs(DAY);
    crawl.config.resweep.recent = Duration::from_secs(now - NOW);
    visit_after(&crawl, 1_000).await;
    assert_same(
        &crawl.seen_on(crawl.member()).await,
        &crawl.member().holds(),
    );
}

#[tokio::test]
async fn what_is_looked_at_again_in_vain_is_no_gap() {
    let crawl = caught_up(COMPARING).await;
    let member = crawl.member();
    crawl.clock.advance(31 * DAY);
    crawl.run().await;
    let covered = crawl.covered(member).await;
    member.turn(&Behaviour::ClosedAuthRequired);
    crawl.clock.advance(31 * DAY);
    crawl.run().await;
    let gaps = crawl.gaps(member).await;
    let last = covered.last().unwrap().1;
    assert!(gaps.iter().all(|gap| gap.from > last), "{gaps:?}");
    assert_eq!(crawl.covered(member).await, covered);
}
