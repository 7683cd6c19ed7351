//! Limits, bounds, order, and values that are hard to index.

use std::time::{Duration, Instant};

use bigbrotr::store::EventStore;
use bigbrotr::store::events::{BatchNumber, EventKey, QueryBounds, ScanOrder, Scope};
use bigbrotr::store::sets::{KeySet, SetBounds};
use nips::nip45::SketchOffset;
use nips::{Event, EventId, Filter};
use serde_json::json;

use super::{NOW, ask, author, event, event_with, ids, public, write};

/// Each filter has its own limit, events come once, and the page says whether there is more.
pub(crate) async fn limits_are_per_filter(store: &dyn EventStore) {
    let notes: Vec<Event> = (0..10).map(|second| event(1, 1, second, &[])).collect();
    write(store, &notes).await;
    let newest =
        |count: usize| -> Vec<EventId> { notes.iter().rev().take(count).map(Event::id).collect() };
    let scope = || Scope::public(NOW);
    for (filters, expected, has_more) in [
        (vec![r#"{"limit":3}"#], newest(3), true),
        (vec![r#"{"limit":10}"#], newest(10), false),
        (
            vec![r#"{"limit":3}"#, r#"{"limit":5,"kinds":[1]}"#],
            newest(5),
            true,
        ),
        (vec![r#"{"limit":0}"#], vec![], false),
        (vec![r#"{"kinds":[]}"#], vec![], false),
        (vec![r#"{"search":"text"}"#], vec![], false),
        (vec![], vec![], false),
    ] {
        let page = ask(store, &filters, scope()).await;
        assert_eq!(
            (ids(&page), page.has_more),
            (expected, has_more),
            "{filters:?}"
        );
    }
}

/// A query whose time is up ends with what it has found, newest first, and says that there is more.
pub(crate) async fn time_stops_a_query(store: &dyn EventStore) {
    let notes: Vec<Event> = (0..600).map(|second| event(1, 1, second, &[])).collect();
    write(store, &notes).await;
    let bounds = QueryBounds {
        default_limit: 1_000,
        deadline: Some(Instant::now()),
        ..QueryBounds::default()
    };
    let query = store.query(vec![Filter::default()], Scope::public(NOW), bounds);
    let page = query.await.unwrap();
    assert!(
        page.has_more && page.events.len() < 600,
        "{}",
        page.events.len()
    );
    let found = page.events.iter().map(Event::id);
    assert!(found.eq(notes.iter().rev().map(Event::id).take(page.events.len())));
}

/// The bounds of a query hold whatever the filter says.
pub(crate) async fn bounds_stop_a_query(store: &dyn EventStore) {
    let notes: Vec<Event> = (0..50)
        .map(|second| event(1, 1, second, &[&["t", "x"]]))
        .collect();
    write(store, &notes).await;
    let bounds = QueryBounds::default();
    for (filter, bounds, at_most) in [
        (
            "{}",
            QueryBounds {
                default_limit: 5,
                ..bounds
            },
            5,
        ),
        (
            r#"{"limit":40}"#,
            QueryBounds {
                max_limit: 6,
                ..bounds
            },
            6,
        ),
        (
            "{}",
            QueryBounds {
                max_scanned: 10,
                ..bounds
            },
            10,
        ),
        (
            "{}",
            QueryBounds {
                max_bytes: 1000,
                ..bounds
            },
            10,
        ),
        (
            r##"{"#t":["y"],"kinds":[1]}"##,
            QueryBounds {
                max_scanned: 10,
                ..bounds
            },
            0,
        ),
    ] {
        let filters = vec![Filter::from_json(filter).unwrap()];
        let page = store
            .query(filters, Scope::public(NOW), bounds)
            .await
            .unwrap();
        assert!(page.events.len() <= at_most, "{filter} {bounds:?}");
        assert_eq!(page.has_more, at_most > 0, "{filter} {bounds:?}");
        let newest: Vec<_> = notes
            .iter()
            .rev()
            .take(page.events.len())
            .map(Event::id)
            .collect();
        assert_eq!(ids(&page), newest);
    }
    let all = vec![Filter::default()];
    let (count, is_cut) = store
        .count(all.clone(), Scope::public(NOW), SetBounds::rows(20))
        .await
        .unwrap();
    assert!(is_cut && count <= 20);
    let count = store.count(all.clone(), Scope::public(NOW), SetBounds::rows(1000));
    assert_eq!(count.await.unwrap(), (50, false));
    for (max_events, expected) in [(49, (49, true)), (50, (50, false))] {
        let bounds = SetBounds::events(max_events);
        let count = store.count(all.clone(), Scope::public(NOW), bounds);
        assert_eq!(count.await.unwrap(), expected);
    }
}

/// Where a bound takes the limit's place, the second in which the answer ends is whole.
pub(crate) async fn a_bound_ends_with_a_whole_second(store: &dyn EventStore) {
    let note = |number: u64| event_with(1, 1, 100 - number / 150, &[], &number.to_string());
    let notes: Vec<Event> = (0..320).map(note).collect();
    write(store, &notes).await;
    let bounds = QueryBounds {
        default_limit: 7,
        max_limit: 20,
        ..QueryBounds::default()
    };
    for (filter, expected, has_more) in [
        ("{}", 150, true),
        (r#"{"limit":21}"#, 150, true),
        (r#"{"limit":20}"#, 20, true),
        (r#"{"limit":1}"#, 1, true),
        (r#"{"until":99}"#, 150, true),
        (r#"{"until":98}"#, 20, false),
        (r#"{"since":100,"kinds":[1]}"#, 150, false),
    ] {
        let filters = vec![Filter::from_json(filter).unwrap()];
        let page = store.query(filters, Scope::public(NOW), bounds);
        let page = page.await.unwrap();
        let outcome = (page.events.len(), page.has_more);
        assert_eq!(outcome, (expected, has_more), "{filter}");
    }
}

/// Keys come newest first, up to the filter's limit, and a cut is not taken for one.
pub(crate) async fn keys_stop_at_limits_and_bounds(store: &dyn EventStore) {
    let notes: Vec<Event> = (0..20)
        .map(|second| event(1, 1, second, &[&["t", "x"]]))
        .collect();
    write(store, &notes).await;
    let newest = |count: usize| -> Vec<EventKey> {
        let keys = notes.iter().rev().take(count);
        keys.map(EventKey::of).collect()
    };
    for (filter, max_events, expected) in [
        ("{}", 20, newest(20)),
        (r#"{"limit":7}"#, 1_000, newest(7)),
        (r#"{"limit":7}"#, 7, newest(7)),
        (r#"{"limit":0}"#, 1_000, vec![]),
        (r#"{"since":18}"#, 1_000, newest(2)),
        (r#"{"ids":[]}"#, 1_000, vec![]),
    ] {
        let asked = Filter::from_json(filter).unwrap();
        let bounds = SetBounds::events(max_events);
        let set = store.keys(asked, Scope::public(NOW), bounds);
        let KeySet { keys, is_cut, .. } = set.await.unwrap();
        assert_eq!((keys, is_cut), (expected, false), "{filter} {max_events}");
    }
    for bounds in [SetBounds::events(19), SetBounds::rows(12)] {
        let cut = store.keys(Filter::default(), Scope::public(NOW), bounds);
        let cut = cut.await.unwrap();
        assert!(cut.is_cut && cut.keys.len() < notes.len());
        assert_eq!(cut.keys, newest(cut.keys.len()));
    }
    let tagged = Filter::from_json(r##"{"#t":["x"]}"##).unwrap();
    let offset = SketchOffset::of(&tagged).unwrap();
    let counted = store.count_authors(tagged, Scope::public(NOW), offset, SetBounds::rows(12));
    let counted = counted.await.unwrap();
    assert!(counted.is_cut && counted.events <= 12);
}

/// Counts and sets of which only a part could be had in time are none.
pub(crate) async fn sets_are_given_up_at_their_deadline(store: &dyn EventStore) {
    let note = |number: u64| event_with(1, 1, number, &[&["t", "x"]], "");
    write(store, &(0..600).map(note).collect::<Vec<_>>()).await;
    let tagged = Filter::from_json(r##"{"#t":["x"]}"##).unwrap();
    let offset = SketchOffset::of(&tagged).unwrap();
    let scope = || Scope::public(NOW);
    for (patience, is_enough) in [(Duration::ZERO, false), (Duration::from_secs(60), true)] {
        let bounds = SetBounds {
            deadline: Some(Instant::now() + patience),
            ..SetBounds::default()
        };
        let count = store.count(vec![tagged.clone()], scope(), bounds).await;
        let authors = store.count_authors(tagged.clone(), scope(), offset, bounds);
        let keys = store.keys(tagged.clone(), scope(), bounds).await;
        if is_enough {
            assert_eq!(count.unwrap(), (600, false));
            assert_eq!(authors.await.unwrap().events, 600);
            assert_eq!(keys.unwrap().keys.len(), 600);
        } else {
            let reasons = [
                count.unwrap_err().reason(),
                authors.await.unwrap_err().reason(),
                keys.unwrap_err().reason(),
            ];
            assert_eq!(reasons, ["too-slow"; 3]);
        }
    }
}

/// Values are compared in full and letters by case, however long they are.
pub(crate) async fn tag_values_are_exact(store: &dyn EventStore) {
    let long = "é\"\\\n".repeat(20_000);
    let longer = format!("{long}x");
    let exact = event(1, 1, 10, &[&["t", &long, "more"]]);
    let other = event(
        1,
        1,
        11,
        &[&["t", &longer], &["T", "x"], &["t"], &["tt", "x"]],
    );
    write(store, &[exact.clone(), other.clone()]).await;
    for (letter, value, expected) in [
        ("t", long.as_str(), vec![exact.id()]),
        ("t", longer.as_str(), vec![other.id()]),
        ("T", "x", vec![other.id()]),
        ("t", "x", vec![]),
        ("t", "", vec![]),
    ] {
        let value = serde_json::to_string(value).unwrap();
        for kinds in ["", r#","kinds":[1,2]"#, r#","authors":["AUTHOR"]"#] {
            let kinds = kinds.replace("AUTHOR", &author(1).to_hex());
            let filter = format!(r##"{{"#{letter}":[{value}]{kinds}}}"##);
            assert_eq!(public(store, &filter).await, expected, "#{letter}{kinds}");
        }
    }
}

/// Whether few events carry a tag or many, all that are asked for are found: of the kinds that are meant, at the time that is
/// meant, wherever the store has them, and never what is for somebody else.
pub(crate) async fn few_and_many_carry_a_tag(store: &dyn EventStore) {
    let recipient = author(9).to_hex();
    let mut stored = Vec::new();
    for (count, value) in [(1, "1"), (15, "15"), (16, "16"), (17, "17"), (40, "40")] {
        for number in 0..count {
            let kind = [1, 7, 1_059, 30_023][number % 4];
            let at = 100 + number as u64;
            let identifier = format!("{value} {number}");
            let tags: &[&[&str]] = &[&["p", &recipient], &["t", value], &["d", &identifier]];
            stored.push(event_with(1, kind, at, tags, value));
        }
    }
    let (sooner, later): (Vec<Event>, Vec<Event>) = stored
        .into_iter()
        .partition(|event| event.created_at() % 3 > 0);
    write(store, &sooner).await;
    let trimmed = store.trim_arrivals(BatchNumber(0), 0).await;
    assert_eq!(trimmed.unwrap(), 0);
    write(store, &later).await;
    let everything = ask(store, &["{}"], Scope::public(NOW)).await.events;
    // All but those of 1059.
    assert_eq!(everything.len(), 89 - 22);
    for values in ["1", "15", "16", "17", "40", "1 15 16 17 40", "1 40 none"] {
        let values: Vec<&str> = values.split(' ').collect();
        for kinds in [&[][..], &[1], &[1, 7], &[7, 1_059, 30_023], &[1_059, 2]] {
            for (since, until) in [(0, 1_000), (105, 112), (120, 120)] {
                let mut filter = json!({"#t": values, "since": since, "until": until});
                if !kinds.is_empty() {
                    filter["kinds"] = kinds.into();
                }
                let is_meant = |event: &&Event| {
                    let is_of_kind = kinds.is_empty() || kinds.contains(&event.kind().0);
                    let is_tagged = values.contains(&&*event.as_ref().content());
                    is_of_kind && is_tagged && (since..=until).contains(&event.created_at())
                };
                let meant = everything.iter().filter(is_meant);
                let expected: Vec<EventId> = meant.map(Event::id).collect();
                assert_eq!(
                    public(store, &filter.to_string()).await,
                    expected,
                    "{filter}"
                );
            }
        }
    }
}

/// A walk meets everything once, in both directions, in steps of any size.
pub(crate) async fn walks_meet_everything_once(store: &dyn EventStore) {
    let note = |number: u64| event_with(1, 1, number / 3, &[], &number.to_string());
    let notes: Vec<Event> = (0..30).map(note).collect();
    write(store, &notes).await;
    let expected: Vec<_> = ids(&ask(store, &["{}"], Scope::Stored).await);
    assert_eq!(expected.len(), 30);
    for step in [1, 7, 30, 31] {
        for order in [ScanOrder::NewestFirst, ScanOrder::OldestFirst] {
            let mut seen = walk(store, order, step).await;
            if order == ScanOrder::OldestFirst {
                seen.reverse();
            }
            assert_eq!(seen, expected, "steps of {step}, {order:?}");
        }
    }
}

async fn walk(store: &dyn EventStore, order: ScanOrder, step: usize) -> Vec<EventId> {
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.scan(Filter::default(), Scope::public(NOW), order, after, step);
        let page = page.await.unwrap();
        seen.extend(page.events.iter().map(Event::id));
        after = page.next;
        if after.is_none() {
            return seen;
        }
    }
}
