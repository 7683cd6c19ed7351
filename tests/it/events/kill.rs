//! `kill -9` at any moment: nothing that was acknowledged is lost, and nothing is left half done.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use bigbrotr::store::EventStore;
use bigbrotr::store::events::{EventBatch, EventKey, IfDeleted, IfProtected, NewEvent, Scope};
use bigbrotr::store::lmdb::{Deferral, LmdbEvents, LmdbOptions};
use bigbrotr::store::sets::SetBounds;
use nips::{Event, EventId, Filter};
use rand::Rng;

use super::fresh;
use crate::contract::events::{NOW, ask, batch, event_with, sighting, walk_stored};

/// Tells the child where to write.
const DIRECTORY: &str = "BIGBROTR_TEST_KILL_DIRECTORY";
/// Tells children apart, so that their events differ.
const ROUND: &str = "BIGBROTR_TEST_KILL_ROUND";
const ROUNDS: usize = 6;
/// Writers in a child, so that commits are shared.
const WRITERS: u64 = 3;

#[tokio::test]
async fn acknowledged_events_survive_kill() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let lines = rand::rng().random_range(1..40);
        acknowledged.extend(run_and_kill(directory.path(), round, lines));
        check(directory.path(), &acknowledged).await;
    }
    assert!(acknowledged.len() >= ROUNDS);
}

/// Runs this test binary as a child that writes, and kills it after some acknowledgements.
fn run_and_kill(directory: &Path, round: usize, lines: usize) -> Vec<EventKey> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "events::kill::writes_until_killed",
            "--nocapture",
        ])
        .env(DIRECTORY, directory)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = Vec::new();
    let output = BufReader::new(child.stdout.take().unwrap()).lines();
    for (number, line) in output.map_while(Result::ok).enumerate() {
        acknowledged.extend(line.strip_prefix("stored ").into_iter().flat_map(parse));
        if number == lines {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    acknowledged
}

fn parse(line: &str) -> impl Iterator<Item = EventKey> {
    line.split(' ').map(|key| {
        let (created_at, id) = key.split_once(':').unwrap();
        EventKey {
            created_at: created_at.parse().unwrap(),
            id: EventId::from_hex(id).unwrap(),
        }
    })
}

async fn check(directory: &Path, acknowledged: &[EventKey]) {
    let store = LmdbEvents::open(LmdbOptions::at(directory)).unwrap();
    let known = store.known(acknowledged.to_vec()).await.unwrap();
    assert!(known.iter().all(|known| *known));
    let stored = walk_stored(&store).await;
    let statistics = store.event_statistics().await.unwrap();
    assert_eq!(statistics.events, stored.len() as u64);
    assert_eq!(statistics.sightings, stored.len() as u64);
    let (_other_directory, other) = fresh();
    other.write(batch(stored, NOW)).await.unwrap();
    for filter in ["{}", r##"{"#t":["x"]}"##, r#"{"kinds":[0,5]}"#] {
        let seen = ask(&store, &[filter], Scope::public(NOW)).await.events;
        let expected = ask(&other, &[filter], Scope::public(NOW)).await.events;
        assert_eq!(seen, expected, "{filter}");
        assert_eq!(count(&store, filter).await, count(&other, filter).await);
    }
}

async fn count(store: &LmdbEvents, filter: &str) -> (u64, bool) {
    let filters = vec![Filter::from_json(filter).unwrap()];
    let counted = store
        .count(filters, Scope::public(NOW), SetBounds::default())
        .await;
    counted.unwrap()
}

/// Not a test by itself: what the child does.
#[tokio::test]
async fn writes_until_killed() {
    #[expect(clippy::disallowed_methods, reason = "how the parent tells its child")]
    let told = (std::env::var(DIRECTORY), std::env::var(ROUND));
    let (Ok(directory), Ok(round)) = told else {
        return;
    };
    // In every second round, most events wait to be indexed when the end comes.
    let is_deferring = round.parse::<usize>().unwrap() % 2 == 1;
    let options = LmdbOptions {
        deferral: Deferral {
            from_events: if is_deferring { 1 } else { usize::MAX },
            run_commits: 3,
            max_runs: 2,
            step_pages: 2,
            ..Deferral::default()
        },
        ..LmdbOptions::at(directory)
    };
    let store = LmdbEvents::open(options).unwrap();
    let writers = (0..WRITERS).map(|writer| write_for_ever(&store, writer, &round));
    futures_util::future::join_all(writers).await;
}

async fn write_for_ever(store: &LmdbEvents, writer: u64, round: &str) {
    let mut written: Vec<EventId> = Vec::new();
    for number in 0.. {
        let count = rand::rng().random_range(1..200);
        let content = format!("{round} {writer} {number}");
        let seconds = (0..count).map(|index| 10 + number * 1000 + index);
        let events: Vec<Event> = seconds
            .map(|second| some_event(second, &content, &written))
            .collect();
        written.extend(events.iter().map(Event::id));
        let seen = |event: &Event| NewEvent {
            event: event.clone(),
            sighting: Some(sighting(7, NOW)),
            if_deleted: IfDeleted::Keep,
            if_protected: IfProtected::Hide,
        };
        let batch = EventBatch {
            events: events.iter().map(seen).collect(),
            sightings: Vec::new(),
            now: NOW,
            rows_to_come: 0,
        };
        store.write(batch).await.unwrap();
        let keys = events
            .iter()
            .map(|event| format!("{}:{}", event.created_at(), event.id()));
        println!("stored {}", keys.collect::<Vec<_>>().join(" "));
    }
}

/// Notes, versions of a profile, and deletions of what was written before.
fn some_event(second: u64, content: &str, written: &[EventId]) -> Event {
    let earlier = written.get(second as usize % 97).map(EventId::to_hex);
    let earlier = earlier.unwrap_or_default();
    let (kind, tag) = match second % 10 {
        0 => (0, ["t", "x"]),
        1 => (5, ["e", earlier.as_str()]),
        _ => (1, ["t", "x"]),
    };
    event_with(1, kind, second, &[&tag], content)
}
