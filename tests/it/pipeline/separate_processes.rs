//! The main job on PostgreSQL behind PgBouncer, with each service as a process of its own.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use fleet::{ConfigOptions, ConfigPaths, Fleet, FleetPlan};
use nips::{Event, EventId};
use serde_json::Value;

use super::reader;
use crate::postgres::server::{Database, PASSWORD};
use crate::program::{PATIENCE, Program, command};

const RELAYS: usize = 30;
const EVENTS: usize = 600;

/// The services that go on working beside each other.
const SERVICES: [&str; 4] = ["finder", "validator", "monitor", "synchronizer"];

/// Between two looks at how far they are.
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn every_service_is_a_process_and_they_meet_in_the_database() {
    let fleet = Fleet::start(FleetPlan::mixed(21, RELAYS, EVENTS))
        .await
        .unwrap();
    let database = Database::empty().await;
    let directory = tempfile::tempdir().unwrap();
    let operator = Operator::new(&fleet, &database, directory.path());

    operator.run_as("admin", &["migrate"]);
    operator.run(&["seeder", "--once"]);
    let services = SERVICES.map(|service| operator.start(service));
    let mut relay = operator.start("relay");
    let client = reader::connect(&relay.address("relay")).await;

    let union = fleet.union_of_valid_events();
    operator.wait_for_events(union.len() as u64);
    let answered = with_slashes(fleet.promotable_urls().iter());
    until_published(&client, &answered).await;
    // By now the relay answers from an index of its own.
    let is_ready = |said: &str| said.contains("serving_index_ready").then_some(());
    relay.wait_for("the serving index", is_ready);
    assert!(operator.paths.data.join("serving/events/data.mdb").exists());
    // The monitor is another process than the relay.
    reader::next_live(&client).await;
    client.shutdown().await;
    for service in services {
        assert!(service.stop().success());
    }
    assert!(relay.stop().success());

    // What is left is done in one pass, so that everything was asked for to its end.
    operator.run(&["synchronizer", "--once"]);
    let archived = ids(&operator.run(&["export"]));
    let lost: Vec<&EventId> = union.difference(&archived).collect();
    assert!(lost.is_empty(), "lost {lost:?}");
    assert!(archived.is_disjoint(&fleet.forged_events()));
    fleet.stop().await;
}

async fn until_published(client: &nostr_sdk::Client, answered: &BTreeSet<String>) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let published = reader::published(client).await;
        let published = with_slashes(published.keys());
        if published == *answered {
            return;
        }
        assert!(Instant::now() < deadline, "{published:?}\n{answered:?}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn with_slashes<'a>(urls: impl Iterator<Item = &'a String>) -> BTreeSet<String> {
    urls.map(|url| format!("{}/", url.trim_end_matches('/')))
        .collect()
}

fn ids(jsonl: &[u8]) -> BTreeSet<EventId> {
    let lines = std::str::from_utf8(jsonl).unwrap().lines();
    lines
        .map(|line| Event::from_json(line).unwrap().id())
        .collect()
}

/// Somebody who runs all of it.
struct Operator<'a> {
    directory: &'a Path,
    paths: ConfigPaths,
    pooler: String,
}

impl<'a> Operator<'a> {
    fn new(fleet: &Fleet, database: &Database, directory: &'a Path) -> Self {
        let options = ConfigOptions {
            relay_listen: ([127, 0, 0, 1], 0).into(),
            metrics_listen: None,
            timeout_seconds: 2,
            interval_seconds: 2,
            ..ConfigOptions::default()
        };
        let paths = fleet.write_config(directory, &options).unwrap();
        let options = database.options_as("writer");
        let direct = options.direct_url.unwrap();
        let file = paths.config.join("brotr.yaml");
        let mut yaml = std::fs::read_to_string(&file).unwrap();
        yaml.push_str(&format!(
            "store: {{url: '{}', listen_url: '{direct}', max_connections: 4, migrate: false}}\n",
            options.url
        ));
        std::fs::write(&file, yaml).unwrap();
        Self {
            directory,
            paths,
            pooler: options.url,
        }
    }

    /// A command with the passwords in its environment.
    fn command(&self, words: &[&str]) -> Command {
        let words = words.iter().map(|&word| word.to_owned());
        let mut command = command(words.chain(self.paths.arguments()));
        command
            .current_dir(self.directory)
            .env("DB_ADMIN_PASSWORD", PASSWORD)
            .env("DB_WRITER_PASSWORD", PASSWORD);
        command
    }

    fn run(&self, words: &[&str]) -> Vec<u8> {
        finish(self.command(words))
    }

    fn run_as(&self, role: &str, words: &[&str]) -> Vec<u8> {
        let mut command = self.command(words);
        let url = self.pooler.replacen("writer@", &format!("{role}@"), 1);
        command.env("DATABASE_URL", url);
        finish(command)
    }

    fn start(&self, role: &str) -> Program {
        Program::spawn(self.command(&[role]))
    }

    /// Waits until so many events are stored.
    fn wait_for_events(&self, events: u64) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status: Value = serde_json::from_slice(&self.run(&["status", "--json"])).unwrap();
            let stored = status["events"]["events"].as_u64().unwrap();
            if stored >= events {
                return;
            }
            assert!(Instant::now() < deadline, "{stored} of {events}: {status}");
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

fn finish(mut command: Command) -> Vec<u8> {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    output.stdout
}
