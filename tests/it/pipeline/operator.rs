//! Somebody with a database who runs `bigbrotr` as several processes.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use bigbrotr::model::NewRelay;
use bigbrotr::store::RelayStore;
use fleet::{ConfigOptions, ConfigPaths, Fleet};
use nips::{Event, EventId};
use serde_json::Value;

use crate::postgres::server::{Database, PASSWORD};
use crate::program::{PATIENCE, Program, command};

/// Between two looks at how far they are.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Somebody who runs all of it, at a laboratory.
pub(super) struct Operator<'a> {
    directory: &'a Path,
    pub(super) paths: ConfigPaths,
    pooler: String,
}

impl<'a> Operator<'a> {
    pub(super) fn new(fleet: &Fleet, database: &Database, directory: &'a Path) -> Self {
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

    pub(super) fn run(&self, words: &[&str]) -> Vec<u8> {
        finish(self.command(words))
    }

    pub(super) fn run_as(&self, role: &str, words: &[&str]) -> Vec<u8> {
        let mut command = self.command(words);
        let url = self.pooler.replacen("writer@", &format!("{role}@"), 1);
        command.env("DATABASE_URL", url);
        finish(command)
    }

    pub(super) fn start(&self, role: &str) -> Program {
        Program::spawn(self.command(&[role]))
    }

    /// Waits until so many events are stored.
    pub(super) fn wait_for_events(&self, events: u64) {
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

/// Has all relays of a laboratory in a database, due at once.
pub(super) async fn add_relays(fleet: &Fleet, database: &Database) {
    let relays = fleet.members().iter().map(|member| NewRelay {
        url: member.url().clone(),
        discovered_at: 1,
    });
    let relays: Vec<NewRelay> = relays.collect();
    let store = database.store().await;
    let added = store.add_relays(&relays, 1).await;
    assert_eq!(added.unwrap(), relays.len() as u64);
    store.close().await;
}

/// The ids in an export.
pub(super) fn ids(jsonl: &[u8]) -> BTreeSet<EventId> {
    let lines = std::str::from_utf8(jsonl).unwrap().lines();
    lines
        .map(|line| Event::from_json(line).unwrap().id())
        .collect()
}
