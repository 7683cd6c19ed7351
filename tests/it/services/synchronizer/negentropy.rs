//! Comparing sets (NIP-77) instead of paging, with relays that do it well, badly, or not at all.

use std::collections::BTreeSet;

use bigbrotr::archive::Door;
use bigbrotr::model::Method;
use bigbrotr::store::events::Scope;
use bigbrotr::store::sets::SetBounds;
use fleet::events::Generator;
use fleet::{Behaviour, FleetPlan, Member, MemberPlan, Syncing};
use nips::{Event, EventId, Filter, LocalRelays, RelayUrl};

use super::given::{Crawl, NOW, assert_same};
use crate::relay::server::relay;

const HONEST: Behaviour = Behaviour::Syncs(Syncing::Honest { max_events: 10_000 });

/// More than a page, so that there is something left when a page has shown that it works.
const EVENTS: usize = 700;
const PAGE: usize = 100;

/// A crawl of one relay whose archive holds all of its events but each twentieth.
async fn knowing_most(behaviour: Behaviour) -> Crawl {
    let mut crawl = Crawl::of_behaviour(behaviour, EVENTS).await;
    crawl.config.processing.limit = PAGE;
    let held = crawl.member().holds();
    let events = crawl.fleet.events().iter().enumerate();
    let known = events.filter(|(position, event)| position % 20 != 0 && held.contains(&event.id()));
    let known: Vec<Event> = known.map(|(_, event)| Event::clone(event)).collect();
    let door = Door::Import(None);
    crawl.archive.admit_events(known, door).await.unwrap();
    crawl
}

async fn methods(crawl: &Crawl, member: &Member) -> BTreeSet<&'static str> {
    let covered = crawl.coverage_of(member, &Filter::default()).await;
    covered.iter().map(|it| it.method.as_str()).collect()
}

fn openings(member: &Member) -> usize {
    let others = member.seen().others;
    others.iter().filter(|verb| *verb == "NEG-OPEN").count()
}

/// The ids that were asked for one by one.
fn ids_asked(member: &Member) -> BTreeSet<EventId> {
    let reqs = member.seen().reqs;
    let filters = reqs.iter().flat_map(|req| &req.filters);
    filters
        .filter_map(|filter| filter.ids.clone())
        .flatten()
        .collect()
}

#[tokio::test]
async fn only_what_is_missing_is_sent_and_everything_is_sighted() {
    for behaviour in [HONEST, Behaviour::Healthy] {
        let crawl = knowing_most(behaviour).await;
        let summary = crawl.cycle().await;
        let member = crawl.member();
        crawl.assert_complete(member).await;
        assert_eq!(summary.count("synced_relays"), 1);
        assert!(methods(&crawl, member).await.contains("negentropy"));
        let held = member.holds().len();
        let asked = ids_asked(member).len();
        assert!(asked > 10 && asked <= held / 20, "{asked} of {held}");
        // The page that came before the trial, and what was asked for by id.
        let sent = member.seen().sent_events;
        assert!(sent <= PAGE + asked, "{sent} sent");
        // One page, the trial, one comparison, one look-up.
        assert_eq!((member.seen().reqs.len(), openings(member)), (2, 2));
    }
}

#[tokio::test]
async fn what_was_learnt_serves_the_next_visit() {
    let crawl = knowing_most(HONEST).await;
    crawl.run().await;
    let member = crawl.member();
    let (reqs, before) = (member.seen().reqs.len(), openings(member));
    let crawl = crawl.restart().await;
    let member = crawl.member();
    crawl.wait_for_turn_of(member).await;
    let summary = crawl.cycle().await;
    assert_eq!(summary.count("requests"), 1);
    assert_eq!(member.seen().reqs.len(), reqs);
    assert_eq!(openings(member), before + 1);
}

#[tokio::test]
async fn who_does_it_wrong_is_paged_and_not_tried_again_soon() {
    let mut plan = FleetPlan::new(5).events(5 * EVENTS);
    for syncing in [
        Syncing::Blind,
        Syncing::Inventive,
        Syncing::Garbled,
        Syncing::Puzzled,
        Syncing::Mute,
    ] {
        plan = plan.member(MemberPlan::new(Behaviour::Syncs(syncing)));
    }
    let mut crawl = Crawl::of(plan).await;
    crawl.config.processing.limit = PAGE;
    crawl.run().await;
    let members = crawl.fleet.members();
    crawl.assert_all_complete(members).await;
    let last_turn = members.last().expect("five members");
    crawl.wait_for_turn_of(last_turn).await;
    crawl.clock.advance(1_000);
    assert_eq!(crawl.cycle().await.count("synced_relays"), 5);
    for member in members {
        assert_eq!(methods(&crawl, member).await, BTreeSet::from(["paging"]));
        assert_eq!(openings(member), 1, "{:?}", member.behaviour());
    }
}

#[tokio::test]
async fn a_relay_that_stops_comparing_is_paged_in_the_same_visit() {
    let tired = Behaviour::Syncs(Syncing::Tired { after: 1 });
    let crawl = knowing_most(tired).await;
    let summary = crawl.cycle().await;
    assert_eq!(summary.count("synced_relays"), 1);
    let member = crawl.member();
    crawl.assert_complete(member).await;
    assert_eq!(methods(&crawl, member).await, BTreeSet::from(["paging"]));
    assert_eq!(openings(member), 2);
}

#[tokio::test]
async fn sets_that_are_too_large_for_the_relay_are_compared_in_parts() {
    let picky = Behaviour::Syncs(Syncing::Honest { max_events: 150 });
    let crawl = knowing_most(picky).await;
    crawl.run().await;
    let member = crawl.member();
    crawl.assert_complete(member).await;
    assert!(methods(&crawl, member).await.contains("negentropy"));
    let sent = member.seen().sent_events;
    assert!(sent <= PAGE + ids_asked(member).len(), "{sent} sent");
    assert!(openings(member) > 4);
}

#[tokio::test]
async fn what_a_relay_names_and_does_not_send_is_left_to_paging() {
    let crawl = knowing_most(HONEST).await;
    crawl.run().await;
    let member = crawl.member();
    member.turn(&Behaviour::Syncs(Syncing::Inventive));
    crawl.clock.advance(86_400);
    crawl.run().await;
    assert_same(&crawl.seen_on(member).await, &member.holds());
    assert_eq!(crawl.gap_ranges(member).await, []);
    let covered = crawl.coverage_of(member, &Filter::default()).await;
    let newest = covered.last().unwrap();
    assert_eq!(newest.method, Method::Paging);
    assert!(newest.until >= NOW + 86_400 - 3_600);
}

#[tokio::test]
async fn our_own_relay_is_compared_with() {
    let served = relay().await;
    let events: Vec<Event> = Generator::new(8).take(EVENTS).collect();
    let own = Door::Import(None);
    served
        .archive
        .admit_events(events.clone(), own.clone())
        .await
        .unwrap();
    // What a reader may not see does not count.
    let scope = Scope::public(NOW);
    let keys = served
        .store
        .keys(Filter::default(), scope, SetBounds::rows(EVENTS))
        .await
        .unwrap();
    let held: BTreeSet<EventId> = keys.keys.iter().map(|key| key.id).collect();

    let mut crawl = Crawl::of(FleetPlan::new(5)).await;
    crawl.config.processing.limit = PAGE;
    let most = events
        .into_iter()
        .enumerate()
        .filter(|(at, _)| at % 20 != 0);
    let most: Vec<Event> = most.map(|(_, event)| event).collect();
    crawl.archive.admit_events(most, own).await.unwrap();
    let url = RelayUrl::parse_with(&format!("ws://{}", served.address), LocalRelays::Accepted);
    let id = crawl.add(&url.unwrap()).await;
    let summary = crawl.cycle().await;
    assert_eq!(summary.count("synced_relays"), 1);
    assert_same(&crawl.seen_at(id).await, &held);
    // A page, the trial, a comparison, a look-up.
    assert_eq!(summary.count("requests"), 4);
}

#[tokio::test]
async fn an_operator_may_want_paging_only() {
    let mut crawl = knowing_most(HONEST).await;
    crawl.config.processing.negentropy = false;
    crawl.run().await;
    crawl.assert_complete(crawl.member()).await;
    assert_eq!(openings(crawl.member()), 0);
}
