//! Relays that lie, stream without end, send monsters, or are slow on purpose.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bigbrotr::model::GapReason;
use fleet::events::Generator;
use fleet::{Access, Behaviour, Certificate, FleetPlan, MemberPlan};
use nips::{Event, EventId, Kind, Network};

use super::given::{Crawl, NOW, assert_same, eventually};

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
async fn b17_b18_huge_tags_are_archived_whole_among_the_rest() {
    let plan = FleetPlan::new(5)
        .events(200)
        .member(MemberPlan::new(Behaviour::HugeTags))
        .member(MemberPlan::new(Behaviour::LongIdentifier));
    let crawl = Crawl::of(plan).await;
    crawl.run().await;
    for member in crawl.fleet.members() {
        crawl.assert_complete(member).await;
    }
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
