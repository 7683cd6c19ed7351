//! Stopping, crashing and beginning again: nothing acknowledged is lost, nothing is fetched twice.

use std::time::{Duration, Instant};

use bigbrotr::model::{ServiceName, StateType};
use bigbrotr::store::StateStore;
use fleet::events::Generator;
use fleet::{Behaviour, Completeness, FleetPlan, MemberPlan};

use super::given::{Crawl, NOW, eventually};

#[tokio::test]
async fn a_restart_goes_on_from_what_is_covered() {
    let plan = FleetPlan::new(5)
        .events(500)
        .member(MemberPlan::new(Behaviour::Cap { limit: 100 }))
        .member(MemberPlan::new(Behaviour::OldestFirst { cap: 100 }));
    let crawl = Crawl::of(plan).await;
    crawl.run().await;
    let before: Vec<_> = crawl.fleet.members().iter().map(|m| m.seen()).collect();
    let crawl = crawl.restart().await;
    // Nothing is due.
    crawl.run().await;
    for (member, before) in crawl.fleet.members().iter().zip(&before) {
        assert_eq!(member.seen().connections, before.connections);
    }
    crawl.clock.advance(1_200);
    crawl.run().await;
    for (member, before) in crawl.fleet.members().iter().zip(&before) {
        crawl.assert_complete(member).await;
        let seen = member.seen();
        assert_eq!(seen.reqs.len(), before.reqs.len() + 1);
        assert_eq!(seen.sent_events, before.sent_events);
        let asked = seen.reqs.last().unwrap().filters[0].since.unwrap();
        assert!(
            (NOW - 3_600..=NOW + 1).contains(&asked),
            "asked from {asked}"
        );
    }
}

#[tokio::test]
async fn a_stop_in_the_middle_costs_one_page() {
    let mut crawl = Crawl::of_behaviour(Behaviour::Honest, 1_000).await;
    crawl.config.processing.limit = 20;
    let member = crawl.member();
    let stopping = async {
        eventually(async || member.seen().reqs.len() > 10).await;
        crawl.tokens.stop();
    };
    let (summary, ()) = tokio::join!(crawl.cycle(), stopping);
    assert_eq!(summary.count("failed_relays"), 0);
    let stored = crawl.archived().await.len();
    assert!((100..1_000).contains(&stored), "{stored}");
    assert_eq!(crawl.gap_ranges(member).await, [], "stopping is no gap");
    let covered = crawl.covered(member).await;
    assert_eq!(covered.len(), 1);
    // It is due at once, and no failure is held against it.
    let relay = crawl.relay(member).await;
    assert_eq!((relay.next_sync_at, relay.sync_failures), (NOW, 0));

    let crawl = crawl.restart().await;
    assert_eq!(crawl.archived().await.len(), stored);
    crawl.run().await;
    let member = crawl.member();
    crawl.assert_complete(member).await;
    let (sent, held) = (member.seen().sent_events, member.holds().len());
    assert!(sent <= held * 13 / 10, "{sent} sent for {held}");
}

#[tokio::test]
async fn b33_a_stop_while_fifty_relays_stream_is_quick_and_loses_nothing() {
    let pace = Duration::from_millis(20);
    let mut plan = FleetPlan::new(5).events(2_000);
    for _ in 0..40 {
        plan = plan.member(MemberPlan::new(Behaviour::Endless { pace }).weight(0.0));
    }
    for _ in 0..10 {
        plan = plan.member(MemberPlan::new(Behaviour::Cap { limit: 50 }));
    }
    let mut crawl = Crawl::of(plan).await;
    crawl.config.processing.limit = 50;
    let mut stopped_at = None;
    let stopping = async {
        let is_streaming = async || {
            let counts = crawl.archive.counts();
            let open = crawl
                .fleet
                .members()
                .iter()
                .map(|m| m.seen().open_connections);
            counts.stored > 500 && open.sum::<usize>() > 40
        };
        eventually(is_streaming).await;
        crawl.tokens.stop();
        stopped_at = Some(Instant::now());
    };
    let (summary, ()) = tokio::join!(crawl.cycle(), stopping);
    let took = stopped_at.unwrap().elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    let acknowledged = crawl.archive.counts().stored;
    assert_eq!(summary.count("synced_events"), acknowledged);
    for member in crawl.fleet.members() {
        eventually(async || member.seen().open_connections == 0).await;
    }

    let crawl = crawl.restart().await;
    let archived = crawl.archived().await;
    assert_eq!(archived.len() as u64, acknowledged);
    assert!(archived.is_subset(&crawl.fleet.archivable_events()));
    for member in crawl.fleet.members() {
        if member.completeness() != Completeness::Whole {
            member.turn(&Behaviour::Honest);
        }
    }
    crawl.run().await;
    let members = crawl.fleet.members().iter();
    let whole = members.filter(|member| member.completeness() == Completeness::Whole);
    crawl.assert_all_complete(whole).await;
}

#[tokio::test]
async fn a_cycle_that_is_dropped_half_way_repeats_work_and_loses_none() {
    let mut crawl = Crawl::of_behaviour(Behaviour::Honest, 600).await;
    crawl.config.processing.limit = 20;
    let member = crawl.member();
    tokio::select! {
        _ = crawl.cycle() => panic!("the cycle should be dropped before it ends"),
        () = eventually(async || member.seen().reqs.len() > 10) => {}
    }
    let crawl = crawl.restart().await;
    let member = crawl.member();
    let covered = crawl.covered(member).await;
    let archived = crawl.archived().await;
    // What is covered is archived, and more may be.
    for event in crawl.fleet.events() {
        let at = event.created_at();
        let is_covered = covered
            .iter()
            .any(|(from, until)| (*from..=*until).contains(&at));
        assert!(!is_covered || archived.contains(&event.id()));
    }
    crawl.run().await;
    crawl.assert_complete(member).await;
}

/// The pause that the relay is known to want between two questions.
async fn known_pause(crawl: &Crawl) -> Duration {
    let (service, kind) = (ServiceName::Synchronizer, StateType::Habits);
    let url = crawl.member().url().as_str();
    let row = crawl.store().state(service, kind, url).await.unwrap();
    let pause_ms = row.and_then(|row| row.value["pause_ms"].as_u64());
    Duration::from_millis(pause_ms.unwrap_or_default())
}

#[tokio::test]
async fn the_pace_that_a_relay_wants_is_kept_after_a_restart() {
    let mut crawl = Crawl::of_behaviour(Behaviour::RateLimited { every: 6 }, 800).await;
    crawl.config.processing.limit = 100;
    assert_eq!(known_pause(&crawl).await, Duration::ZERO);
    crawl.run().await;
    let pause = known_pause(&crawl).await;
    assert!(pause >= Duration::from_millis(10), "{pause:?}");

    let crawl = crawl.restart().await;
    let member = crawl.member();
    member.turn(&Behaviour::Honest);
    let mut generator = Generator::new(8);
    for second in 0..400 {
        let news = generator.note_at(NOW + 1 + second);
        member.publish(news).await.unwrap();
    }
    let asked = member.seen().reqs.len();
    crawl.clock.advance(1_200);
    let begun = Instant::now();
    crawl.run().await;
    crawl.assert_complete(member).await;
    // Each visit tries to be a little faster than the one before.
    let pauses = u32::try_from(member.seen().reqs.len() - asked - 1).unwrap();
    assert!(pauses >= 3, "{pauses}");
    assert!(begun.elapsed() >= pauses * pause.mul_f64(0.79));
    let quicker = known_pause(&crawl).await;
    assert!(quicker < pause, "{quicker:?} after {pause:?}");
}
