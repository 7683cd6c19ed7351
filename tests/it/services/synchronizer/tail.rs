//! Relays that are listened to all the time: what comes by itself is archived, and only what a living
//! connection held counts as covered.

use std::time::Duration;

use bigbrotr::config::SynchronizerConfig;
use bigbrotr::metrics::Metrics;
use bigbrotr::model::{GapReason, Metadata, MetadataType, Method, RelayMetadata};
use bigbrotr::services::Service;
use bigbrotr::services::synchronizer::Synchronizer;
use bigbrotr::store::leases::{Lease, Work, WorkerId};
use bigbrotr::store::{LeaseStore, MetadataStore, TrafficStore};
use fleet::events::Generator;
use fleet::{Behaviour, FleetPlan, Member, MemberPlan};
use nips::{Event, Filter, LocalRelays, RelayUrl};

use super::given::{Crawl, NOW, assert_same, eventually};

/// What was created so long ago does not change any more.
const SETTLED: u64 = 120;

/// A relay that brings news, and what the crawl has of it.
struct Newsroom {
    crawl: Crawl,
    synchronizer: Synchronizer,
    generator: Generator,
    metrics: Metrics,
}

impl Newsroom {
    /// Visits once, so that the relay has shown that it brings news.
    async fn of(behaviours: impl IntoIterator<Item = Behaviour>) -> Self {
        Self::with(behaviours, |_| {}).await
    }

    /// The same with other settings.
    async fn with(
        behaviours: impl IntoIterator<Item = Behaviour>,
        set: impl FnOnce(&mut SynchronizerConfig),
    ) -> Self {
        let plan = FleetPlan::new(5).events(300);
        let members = behaviours.into_iter().map(MemberPlan::new);
        let mut crawl = Crawl::of(members.fold(plan, FleetPlan::member)).await;
        crawl.config.tail.ping_interval = Duration::from_millis(200);
        crawl.config.tail.max_relays = 1;
        set(&mut crawl.config);
        let mut generator = Generator::new(77);
        for member in crawl.fleet.members() {
            for _ in 0..8 {
                let news = generator.note_at(NOW - 3_600);
                member.publish(news).await.unwrap();
            }
        }
        let synchronizer = crawl.synchronizer();
        let summary = synchronizer.cycle(&crawl.tokens).await.unwrap();
        assert_eq!(summary.count("failed_relays"), 0, "{summary}");
        Self {
            crawl,
            synchronizer,
            generator,
            metrics: Metrics::new(),
        }
    }

    /// Does something while the tail listens.
    async fn while_listening(&mut self, act: impl AsyncFnOnce(&Crawl, &mut Generator)) {
        let tail = self.synchronizer.tail(self.metrics.tail.clone());
        let tokens = self.crawl.tokens.child();
        let generator = &mut self.generator;
        let (ended, ()) = tokio::join!(tail.run(tokens.clone()), async {
            act(&self.crawl, generator).await;
            tokens.stop();
        });
        ended.unwrap();
    }

    fn counter(&self, reason: &str) -> u64 {
        self.metrics.tail.ends.with_label_values(&[reason]).get()
    }
}

fn asks_for_news(member: &Member) -> bool {
    let seen = member.seen();
    let last = seen.reqs.last().and_then(|req| req.filters.first());
    seen.open_connections == 1
        && last.is_some_and(|filter| filter.since.is_some() && filter.until.is_none())
}

async fn until_listening(member: &Member) {
    eventually(async || asks_for_news(member)).await;
}

async fn until_archived(crawl: &Crawl, event: &Event) {
    eventually(async || crawl.archived().await.contains(&event.id())).await;
}

async fn live_until(crawl: &Crawl, member: &Member) -> u64 {
    let covered = crawl.coverage_of(member, &Filter::default()).await;
    let live = covered.iter().filter(|i| i.method == Method::Live);
    live.map(|interval| interval.until).max().unwrap_or(0)
}

#[tokio::test]
async fn what_is_published_is_archived_and_covered_without_being_asked_for() {
    let mut newsroom = Newsroom::of([Behaviour::Honest]).await;
    newsroom
        .while_listening(async |crawl, generator| {
            let member = crawl.member();
            until_listening(member).await;
            for seconds in [1, 70, 150] {
                crawl.clock.advance(seconds);
                let news = generator.note_at(NOW + seconds);
                member.publish(news.clone()).await.unwrap();
                until_archived(crawl, &news).await;
            }
            crawl.clock.advance(500);
            let now = NOW + 721;
            eventually(async || live_until(crawl, member).await == now - SETTLED).await;
            let requests = member.seen().reqs.len();
            // Now the relay is believed: what is covered from here on costs nothing.
            crawl.clock.advance(400);
            let now = now + 400;
            eventually(async || live_until(crawl, member).await == now - SETTLED).await;
            assert_eq!(member.seen().reqs.len(), requests);
            assert_eq!(member.seen().peak_connections, 1);
        })
        .await;
    let crawl = &newsroom.crawl;
    let member = crawl.member();
    assert_same(&crawl.archived().await, &member.holds());
    assert_eq!(crawl.gap_ranges(member).await, []);
    assert_eq!(member.seen().open_connections, 0);
    // Its next turn is one request, about the last two minutes.
    let requests = member.seen().reqs.len();
    crawl.clock.advance(1);
    crawl.wait_for_turn_of(member).await;
    newsroom.synchronizer.cycle(&crawl.tokens).await.unwrap();
    let seen = member.seen();
    assert_eq!(seen.reqs.len(), requests + 1);
    assert!(seen.reqs[requests].filters[0].since.unwrap() > NOW);
}

#[tokio::test]
async fn a_relay_that_is_listened_to_is_not_visited() {
    let mut newsroom = Newsroom::of([Behaviour::Honest]).await;
    let synchronizer = newsroom.synchronizer.clone();
    newsroom
        .while_listening(async |crawl, _| {
            let member = crawl.member();
            until_listening(member).await;
            let connections = member.seen().connections;
            crawl.clock.advance(900);
            assert!(!synchronizer.has_due().await.unwrap());
            let summary = synchronizer.cycle(&crawl.tokens).await.unwrap();
            assert_eq!(summary.count("synced_relays"), 0);
            assert_eq!(member.seen().connections, connections);
        })
        .await;
    // Afterwards it is everybody's again.
    newsroom.crawl.clock.advance(2_000);
    assert!(newsroom.synchronizer.has_due().await.unwrap());
}

#[tokio::test]
async fn what_was_published_during_a_break_is_a_gap_until_the_walk_has_filled_it() {
    let mut newsroom = Newsroom::of([Behaviour::Honest]).await;
    newsroom
        .while_listening(async |crawl, generator| {
            let member = crawl.member();
            until_listening(member).await;
            let news = generator.note_at(NOW + 10);
            member.publish(news.clone()).await.unwrap();
            until_archived(crawl, &news).await;
            crawl.clock.advance(400);
            eventually(async || live_until(crawl, member).await >= NOW + 10).await;
            let covered = live_until(crawl, member).await;
            member.go_down().await;
            let broken = async || {
                let gaps = crawl.gap_ranges(member).await;
                gaps == [(covered + 1, NOW + 400, GapReason::Disconnected)]
            };
            eventually(broken).await;
            let missed = generator.note_at(NOW + 300);
            member.publish(missed.clone()).await.unwrap();
            crawl.clock.advance(600);
            member.come_back().await.unwrap();
            until_archived(crawl, &missed).await;
            until_listening(member).await;
            crawl.clock.advance(900);
            eventually(async || crawl.gap_ranges(member).await.is_empty()).await;
        })
        .await;
    let crawl = &newsroom.crawl;
    assert_same(&crawl.archived().await, &crawl.member().holds());
    assert!(newsroom.counter("disconnected") >= 1);
}

#[tokio::test]
async fn a_relay_that_does_not_deliver_is_not_believed() {
    let mut newsroom = Newsroom::of([Behaviour::Honest]).await;
    newsroom
        .while_listening(async |crawl, generator| {
            let member = crawl.member();
            until_listening(member).await;
            let delivered = generator.note_at(NOW + 5);
            member.publish(delivered.clone()).await.unwrap();
            until_archived(crawl, &delivered).await;
            let lost = generator.note_at(NOW + 6);
            member.shelve(lost).await.unwrap();
            crawl.clock.advance(400);
            // It gets some seconds, in which an event that is only late would come.
            eventually(async || member.seen().open_connections == 0).await;
        })
        .await;
    assert_eq!(newsroom.counter("undelivered"), 1);
    let crawl = &newsroom.crawl;
    let member = crawl.member();
    assert_eq!(live_until(crawl, member).await, 0);
    // The walk gets what was not delivered.
    crawl.clock.advance(2_000);
    newsroom.synchronizer.cycle(&crawl.tokens).await.unwrap();
    assert_same(&crawl.archived().await, &member.holds());
}

#[tokio::test]
async fn the_best_are_listened_to_and_no_more_than_there_are_places() {
    let mut newsroom = Newsroom::of([Behaviour::Honest, Behaviour::Healthy]).await;
    let best = newsroom.crawl.fleet.member(1);
    for _ in 0..5 {
        let news = newsroom.generator.note_at(NOW - 60);
        best.publish(news).await.unwrap();
    }
    newsroom.crawl.clock.advance(2_000);
    let cycle = newsroom.synchronizer.cycle(&newsroom.crawl.tokens).await;
    assert_eq!(cycle.unwrap().count("synced_events"), 5);
    newsroom
        .while_listening(async |crawl, generator| {
            let (other, best) = (crawl.fleet.member(0), crawl.fleet.member(1));
            eventually(async || best.seen().open_connections == 1).await;
            let news = generator.note_at(NOW + 2_001);
            let is_listening = async || {
                best.publish(news.clone()).await.unwrap();
                crawl.archived().await.contains(&news.id())
            };
            eventually(is_listening).await;
            assert_eq!(other.seen().open_connections, 0);
        })
        .await;
}

#[tokio::test]
async fn a_connection_that_stays_counts_for_its_host() {
    let mut newsroom = Newsroom::with([Behaviour::Honest], |config| config.max_per_host = 2).await;
    let synchronizer = newsroom.synchronizer.clone();
    newsroom
        .while_listening(async |crawl, _| {
            let member = crawl.member();
            until_listening(member).await;
            for path in ["a", "b", "c"] {
                let url = format!("{}/{path}", member.url().as_str().trim_end_matches('/'));
                let url = RelayUrl::parse_with(&url, LocalRelays::Accepted).unwrap();
                crawl.add(&url).await;
            }
            let summary = synchronizer.cycle(&crawl.tokens).await.unwrap();
            assert!(summary.count("synced_relays") >= 1, "{summary}");
            let visited = summary.count("synced_relays") + summary.count("passed_over_relays");
            assert_eq!(visited, 3, "{summary}");
            assert_eq!(member.seen().peak_connections, 2);
        })
        .await;
}

#[tokio::test]
async fn who_gives_up_on_us_is_not_asked_again_before_its_turn() {
    let both = [Behaviour::Honest, Behaviour::Honest];
    let mut newsroom = Newsroom::of(both).await;
    for _ in 0..5 {
        let news = newsroom.generator.note_at(NOW - 60);
        let best = newsroom.crawl.fleet.member(1);
        best.publish(news).await.unwrap();
    }
    newsroom.crawl.clock.advance(2_000);
    let cycle = newsroom.synchronizer.cycle(&newsroom.crawl.tokens).await;
    cycle.unwrap();
    newsroom.crawl.clock.advance(1_000);
    let best = newsroom.crawl.fleet.member(1);
    best.turn(&Behaviour::ClosedAuthRequired);
    let requests = best.seen().reqs.len();
    newsroom
        .while_listening(async |crawl, _| until_listening(crawl.member()).await)
        .await;
    let best = newsroom.crawl.fleet.member(1);
    assert_eq!(best.seen().reqs.len(), requests + 1);
}

#[tokio::test]
async fn who_asks_to_be_left_alone_is_not_listened_to_any_longer() {
    let mut newsroom = Newsroom::of([Behaviour::Honest]).await;
    newsroom
        .while_listening(async |crawl, _| {
            let member = crawl.member();
            until_listening(member).await;
            let document = r#"{"name": "a", "tags": ["no-archive"]}"#;
            let row = RelayMetadata {
                relay: crawl.relay(member).await.id,
                generated_at: NOW + 1,
                metadata: Metadata::new(MetadataType::Nip11Info, document.to_owned()),
            };
            crawl.store().add_relay_metadata(&[row]).await.unwrap();
            crawl.clock.advance(2_000);
            eventually(async || member.seen().open_connections == 0).await;
            let connections = member.seen().connections;
            // It is passed over, and its turn comes to nothing, too.
            crawl.clock.advance(2_000);
            eventually(async || crawl.relay(member).await.next_sync_at > NOW + 2_000).await;
            assert_eq!(member.seen().connections, connections);
        })
        .await;
}

#[tokio::test]
async fn who_brought_news_before_a_restart_is_listened_to_after_it() {
    let newsroom = Newsroom::of([Behaviour::Honest]).await;
    let crawl = newsroom.crawl;
    drop(newsroom.synchronizer);
    let before = crawl.store().traffic(crawl.relay(crawl.member()).await.id);
    let before = before.await.unwrap();
    assert!(before.news.is_caught_up && before.total.new_events > 8);
    let crawl = crawl.restart().await;
    let mut newsroom = Newsroom {
        synchronizer: crawl.synchronizer(),
        crawl,
        generator: newsroom.generator,
        metrics: newsroom.metrics,
    };
    let news = newsroom.generator.note_at(NOW);
    let text = news.to_json().len() as u64;
    newsroom
        .while_listening(async |crawl, _| {
            until_listening(crawl.member()).await;
            crawl.member().publish(news.clone()).await.unwrap();
            until_archived(crawl, &news).await;
        })
        .await;
    // What came by itself is on the relay's account, too.
    let crawl = &newsroom.crawl;
    let after = crawl.store().traffic(crawl.relay(crawl.member()).await.id);
    let after = after.await.unwrap().total;
    assert_eq!(after.new_events, before.total.new_events + 1);
    assert!(after.received_bytes >= before.total.received_bytes + text);
}

#[tokio::test]
async fn a_relay_that_answers_no_ping_vouches_for_nothing() {
    let mut newsroom = Newsroom::of([Behaviour::NeverPongs]).await;
    let metrics = newsroom.metrics.clone();
    newsroom
        .while_listening(async |crawl, generator| {
            let member = crawl.member();
            until_listening(member).await;
            let delivered = generator.note_at(NOW + 5);
            member.publish(delivered.clone()).await.unwrap();
            until_archived(crawl, &delivered).await;
            // Nothing shows that this one is missing.
            let lost = generator.note_at(NOW + 6);
            member.shelve(lost.clone()).await.unwrap();
            crawl.clock.advance(400);
            let silent = async || metrics.tail.ends.with_label_values(&["silent"]).get() > 0;
            eventually(silent).await;
            assert_eq!(live_until(crawl, member).await, 0);
            // The walk after the break gets it, and covers what nobody vouched for.
            until_archived(crawl, &lost).await;
            let is_walked = async || {
                let covered = crawl.covered(member).await;
                let gaps = crawl.gap_ranges(member).await;
                // The newest seconds are not settled yet, and stay open as the break left them.
                covered.last().is_some_and(|(_, until)| *until > NOW + 6)
                    && gaps.iter().all(|(from, ..)| *from > NOW + 6)
            };
            eventually(is_walked).await;
        })
        .await;
    let crawl = &newsroom.crawl;
    assert_eq!(live_until(crawl, crawl.member()).await, 0);
    assert_same(&crawl.archived().await, &crawl.member().holds());
}

#[tokio::test]
async fn a_relay_that_another_process_has_taken_is_let_go_of() {
    let length = Duration::from_millis(300);
    let mut newsroom = Newsroom::with([Behaviour::Honest], |config| config.lease = length).await;
    let synchronizer = newsroom.synchronizer.clone();
    let metrics = newsroom.metrics.clone();
    newsroom
        .while_listening(async |crawl, generator| {
            let member = crawl.member();
            until_listening(member).await;
            let relay = crawl.relay(member).await.id;
            let another = Lease {
                work: Work::Sync,
                worker: WorkerId(7),
                length: Duration::from_secs(600),
            };
            let is_taken = async || {
                // The process hangs until its leases are over, as one does whose machine sleeps.
                std::thread::sleep(2 * length);
                let leased = crawl.store().lease(&[relay], another).await;
                leased.unwrap() == [relay]
            };
            eventually(is_taken).await;
            eventually(async || member.seen().open_connections == 0).await;
            assert_eq!(metrics.tail.ends.with_label_values(&["stopped"]).get(), 1);
            let connections = member.seen().connections;
            let news = generator.note_at(NOW + 1);
            member.publish(news.clone()).await.unwrap();
            eventually(async || metrics.tail.relays.get() == 0).await;

            // Once it is free again, it is listened to again, and what came meanwhile is stored once.
            assert_eq!(member.seen().connections, connections);
            let stored = crawl.archive.counts().stored;
            crawl.store().release(&[relay], another).await.unwrap();
            crawl.clock.advance(2_000);
            let summary = synchronizer.cycle(&crawl.tokens).await.unwrap();
            assert_eq!(summary.count("synced_relays"), 1, "{summary}");
            until_listening(member).await;
            assert!(crawl.archived().await.contains(&news.id()));
            assert_eq!(crawl.archive.counts().stored, stored + 1);
            assert_eq!(member.seen().peak_connections, 1);
        })
        .await;
}
