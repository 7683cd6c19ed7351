//! The engine against real events and known answers.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use bigbrotr::store::EventStore;
use bigbrotr::store::events::{Outcome, QueryBounds, Scope};
use nips::{Event, Filter};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::fresh;
use crate::contract::events::{NOW, batch};
use crate::shared_data::{corpus, shared_text};

/// Ephemeral events of the corpus, that of the far future among them.
const EPHEMERAL: usize = 15;

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    case: String,
    filters: Vec<serde_json::Value>,
    count: usize,
    ids_sha256: String,
}

impl Case {
    fn filters(&self) -> Vec<Filter> {
        let parse = |json| Filter::from_value(json).unwrap();
        self.filters.iter().map(parse).collect()
    }
}

/// An event with its decoded tags, in NIP-01's order among its kind.
struct Row<'e> {
    event: &'e Event,
    tags: Vec<(u8, Cow<'e, str>)>,
}

#[tokio::test]
async fn known_filters_have_known_answers() {
    let (_directory, store) = fresh();
    known_filters_are_answered(&store).await;
}

#[test]
fn the_shared_matcher_gives_the_known_answers() {
    let (Some(corpus), Some(vectors)) = (corpus(), vectors()) else {
        return;
    };
    let all = rows(corpus.iter());
    for case in &vectors.cases {
        let found = picked(&all, &case.filters());
        assert_eq!(found.len(), case.count, "{}", case.case);
        assert_eq!(hash(&found), case.ids_sha256, "{}", case.case);
    }
}

/// Stores the real events in a fresh store, and asks what the answers are known to.
pub(crate) async fn known_filters_are_answered(store: &dyn EventStore) {
    let (Some(corpus), Some(vectors)) = (corpus(), vectors()) else {
        return;
    };
    let mut refused = BTreeMap::new();
    let mut stored = Vec::new();
    for events in corpus.chunks(1000) {
        let report = store.write(batch(events.to_vec(), NOW)).await.unwrap();
        for (event, outcome) in events.iter().zip(report.outcomes) {
            match outcome {
                Outcome::Refused(refusal) => *refused.entry(refusal.reason()).or_insert(0) += 1,
                _ => stored.push(event),
            }
        }
    }
    // Ephemeral kinds are never stored, and three events carry milliseconds, one of them ephemeral.
    let expected = BTreeMap::from([("created_at-range", 2), ("ephemeral", EPHEMERAL)]);
    assert_eq!(refused, expected);
    let stored = rows(stored.into_iter());
    for case in &vectors.cases {
        let filters = case.filters();
        let bounds = QueryBounds {
            default_limit: usize::MAX,
            max_limit: usize::MAX,
            max_bytes: usize::MAX,
            max_scanned: usize::MAX,
            deadline: None,
        };
        let page = store
            .query(filters.clone(), Scope::Stored, bounds)
            .await
            .unwrap();
        let found: Vec<&Event> = page.events.iter().collect();
        assert_eq!(found, picked(&stored, &filters), "{}", case.case);
    }
}

fn rows<'e>(events: impl Iterator<Item = &'e Event>) -> Vec<Row<'e>> {
    let row = |event: &'e Event| Row {
        event,
        tags: event.as_ref().indexed_tags(),
    };
    let mut rows: Vec<Row<'_>> = events.map(row).collect();
    rows.sort_by_key(|row| (Reverse(row.event.created_at()), row.event.id()));
    rows
}

fn picked<'e>(rows: &[Row<'e>], filters: &[Filter]) -> Vec<&'e Event> {
    let mut picked = Vec::new();
    for filter in filters {
        let matching = rows
            .iter()
            .filter(|row| filter.matches(&row.event.as_ref(), &row.tags));
        picked.extend(
            matching
                .take(filter.limit.unwrap_or(usize::MAX))
                .map(|row| row.event),
        );
    }
    picked.sort_by_key(|event| (Reverse(event.created_at()), event.id()));
    picked.dedup();
    picked
}

fn hash(events: &[&Event]) -> String {
    let ids: Vec<String> = events.iter().map(|event| event.id().to_hex()).collect();
    let digest = Sha256::digest(ids.join("\n").as_bytes());
    nips::EventId(digest.into()).to_hex()
}

fn vectors() -> Option<Vectors> {
    let text = shared_text("vectors/filter-matching.json")?;
    Some(serde_json::from_str(&text).unwrap())
}
