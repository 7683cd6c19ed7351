//! `kill -9` at any moment: nothing that was acknowledged is lost, and nothing is left half done.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use bigbrotr::store::EventStore;
use bigbrotr::store::events::{EventBatch, EventKey, IfDeleted, NewEvent, Scope};
use bigbrotr::store::lmdb::{LmdbEvents, LmdbOptions};
use nips::{Event, EventId};
use rand::Rng;

use crate::contract::events::{NOW, ask, event_with, sighting, walk_stored};

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
    let public = store
        .count(vec![Default::default()], Scope::public(NOW), usize::MAX)
        .await
        .unwrap();
    assert_eq!(public.0, stored.len() as u64);
    let newest = ask(&store, &[r##"{"#t":["x"],"limit":1}"##], Scope::public(NOW)).await;
    assert_eq!(newest.events.first(), stored.first());
}

/// Not a test by itself: what the child does.
#[tokio::test]
async fn writes_until_killed() {
    #[expect(clippy::disallowed_methods, reason = "how the parent tells its child")]
    let told = (std::env::var(DIRECTORY), std::env::var(ROUND));
    let (Ok(directory), Ok(round)) = told else {
        return;
    };
    let store = LmdbEvents::open(LmdbOptions::at(directory)).unwrap();
    let writers = (0..WRITERS).map(|writer| write_for_ever(&store, writer, &round));
    futures_util::future::join_all(writers).await;
}

async fn write_for_ever(store: &LmdbEvents, writer: u64, round: &str) {
    for number in 0.. {
        let count = rand::rng().random_range(1..200);
        let event = |index: u64| {
            let content = format!("{round} {writer} {number}");
            event_with(1, 1, 10 + number * 1000 + index, &[&["t", "x"]], &content)
        };
        let events: Vec<Event> = (0..count).map(event).collect();
        let seen = |event: &Event| NewEvent {
            event: event.clone(),
            sighting: Some(sighting(7, NOW)),
            if_deleted: IfDeleted::Keep,
        };
        let batch = EventBatch {
            events: events.iter().map(seen).collect(),
            sightings: Vec::new(),
            now: NOW,
            rows_to_come: 0,
            rows_to_come: 0,
        };
        store.write(batch).await.unwrap();
        let keys = events
            .iter()
            .map(|event| format!("{}:{}", event.created_at(), event.id()));
        println!("stored {}", keys.collect::<Vec<_>>().join(" "));
    }
}
