//! What is asked for: since when, until when, which filters, and what is not over yet.

use std::collections::BTreeSet;

use bigbrotr::clock::Clock;
use fleet::Behaviour;
use fleet::events::Generator;
use nips::{Event, EventId, Filter, Kind};

use super::given::{Crawl, NOW, assert_same};

#[tokio::test]
async fn nothing_before_since_is_asked_for_until_since_is_lowered() {
    let mut crawl = Crawl::of_behaviour(Behaviour::Cap { limit: 50 }, 400).await;
    let since = crawl.fleet.events()[300].created_at();
    crawl.config.processing.since = since;
    crawl.run().await;
    assert_same(
        &crawl.archived().await,
        &held(&crawl, |event| event.created_at() >= since),
    );
    let covered = crawl.covered(crawl.member()).await;
    assert_eq!((covered.len(), covered[0].0), (1, since));
    let questions = crawl.member().seen().reqs;
    assert!(
        questions
            .iter()
            .all(|req| req.filters[0].since >= Some(since))
    );

    crawl.config.processing.since = 0;
    crawl.wait_for_turn_of(crawl.member()).await;
    crawl.run().await;
    crawl.assert_complete(crawl.member()).await;
    let later = &crawl.member().seen().reqs[questions.len()..];
    let is_asked_again = |at: u64| {
        let filters = later.iter().map(|req| &req.filters[0]);
        let mut asked = filters.map(|f| f.since.unwrap()..=f.until.unwrap());
        asked.any(|range| range.contains(&at))
    };
    assert!(!is_asked_again(since + 1));
}

#[tokio::test]
async fn nothing_after_until_is_asked_for() {
    let mut crawl = Crawl::of_behaviour(Behaviour::Cap { limit: 50 }, 400).await;
    let until = crawl.fleet.events()[200].created_at();
    crawl.config.processing.until = Some(until);
    crawl.run().await;
    assert_same(
        &crawl.archived().await,
        &held(&crawl, |event| event.created_at() <= until),
    );
    assert_eq!(crawl.covered(crawl.member()).await, [(0, until)]);
    // When all of it is covered, there is nothing to connect for.
    crawl.wait_for_turn_of(crawl.member()).await;
    crawl.run().await;
    assert_eq!(crawl.member().seen().connections, 1);
}

#[tokio::test]
async fn what_lies_within_the_end_lag_is_left_for_later() {
    let mut crawl = Crawl::of_behaviour(Behaviour::Honest, 100).await;
    crawl.config.processing.end_lag = std::time::Duration::from_secs(3_600);
    let note = Generator::new(77).note_at(NOW - 1_800);
    crawl.member().publish(note.clone()).await.unwrap();
    crawl.run().await;
    assert_eq!(crawl.covered(crawl.member()).await, [(0, NOW - 3_600)]);
    assert!(!crawl.archived().await.contains(&note.id()));
    crawl.clock.advance(3_600);
    crawl.run().await;
    assert!(crawl.archived().await.contains(&note.id()));
}

#[tokio::test]
async fn a_second_that_is_not_over_is_asked_for_again() {
    let crawl = Crawl::of_behaviour(Behaviour::Honest, 100).await;
    let mut generator = Generator::new(77);
    let (before, after) = (generator.note_at(NOW), generator.note_at(NOW));
    crawl.member().publish(before.clone()).await.unwrap();
    crawl.run().await;
    assert!(crawl.archived().await.contains(&before.id()));
    // The next is signed in the same second, or was on its way for a while.
    crawl.member().publish(after.clone()).await.unwrap();
    let late = generator.note_at(NOW - 30);
    crawl.member().publish(late.clone()).await.unwrap();
    crawl.wait_for_turn_of(crawl.member()).await;
    crawl.run().await;
    crawl.assert_complete(crawl.member()).await;
}

#[tokio::test]
async fn an_event_dated_ahead_is_archived_when_its_time_has_come() {
    let crawl = Crawl::of_behaviour(Behaviour::Honest, 50).await;
    let ahead = Generator::new(77).note_at(NOW + 500);
    crawl.member().publish(ahead.clone()).await.unwrap();
    crawl.run().await;
    assert!(!crawl.archived().await.contains(&ahead.id()));
    crawl.wait_for_turn_of(crawl.member()).await;
    assert!(crawl.clock.now() > NOW + 500);
    crawl.run().await;
    crawl.assert_complete(crawl.member()).await;
}

#[tokio::test]
async fn coverage_is_kept_for_each_filter() {
    let mut crawl = Crawl::of_behaviour(Behaviour::Cap { limit: 50 }, 500).await;
    let (notes, reactions) = (of_kinds(&[1]), of_kinds(&[7]));
    crawl.config.processing.filters = vec![notes.clone()];
    crawl.run().await;
    let is_note = |event: &Event| event.kind() == Kind(1);
    assert_same(&crawl.archived().await, &held(&crawl, is_note));
    let member = crawl.member();
    assert_eq!(crawl.coverage_of(member, &notes).await.len(), 1);
    assert_eq!(crawl.coverage_of(member, &reactions).await, []);
    assert_eq!(
        crawl.covered(member).await,
        [],
        "everything is another filter"
    );

    let asked = member.seen().reqs.len();
    crawl.config.processing.filters = vec![notes.clone(), reactions.clone()];
    crawl.wait_for_turn_of(crawl.member()).await;
    crawl.run().await;
    let member = crawl.member();
    let is_either = |event: &Event| [Kind(1), Kind(7)].contains(&event.kind());
    assert_same(&crawl.archived().await, &held(&crawl, is_either));
    for filter in [&notes, &reactions] {
        let covered = crawl.coverage_of(member, filter).await;
        assert_eq!((covered.len(), covered[0].from), (1, 0));
    }
    // Of the first filter only the time since then was asked for.
    let later = &member.seen().reqs[asked..];
    let of_notes = later
        .iter()
        .filter(|req| req.filters[0].kinds == notes.kinds);
    assert_eq!(of_notes.count(), 1);
}

fn of_kinds(kinds: &[u16]) -> Filter {
    Filter {
        kinds: Some(kinds.iter().copied().map(Kind).collect()),
        ..Filter::default()
    }
}

/// Ids of the laboratory's events that meet a condition.
fn held(crawl: &Crawl, is_wanted: impl Fn(&Event) -> bool) -> BTreeSet<EventId> {
    let events = crawl.fleet.events().iter();
    let wanted = events.filter(|event| is_wanted(event));
    wanted.map(|event| event.id()).collect()
}
