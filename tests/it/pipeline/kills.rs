//! `kill -9` of a synchronizer at any moment: afterwards the archive holds what every relay really held.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fleet::events::Generator;
use fleet::{Behaviour, ConfigOptions, ConfigPaths, Fleet, FleetPlan, MemberPlan};
use nips::EventId;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use super::operator::ids;
use crate::program::{PATIENCE, Program, command};

const KILLS: usize = 5;

/// Longer than the whole crawl would take, so that kills meet every part of it.
const LONGEST_LIFE_MS: u64 = 700;

/// Small pages, so that there is much that can be interrupted.
const SETTINGS: &str = "interval: 1
processing: {limit: 20, batch_size: 10}
tail: {max_relays: 2, ping_interval: 1}
";

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_killed_nothing_is_lost() {
    let fleet = Fleet::start(plan()).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let options = ConfigOptions {
        metrics_listen: None,
        timeout_seconds: 3,
        ..ConfigOptions::default()
    };
    let paths = fleet.write_config(directory.path(), &options).unwrap();
    configure(&paths);
    run(directory.path(), &paths, &["seeder", "--once"]);

    let mut random = StdRng::seed_from_u64(9);
    let mut generator = Generator::new(4_242);
    for kill in 0..KILLS {
        let begun = requests(&fleet);
        let arguments = [vec!["synchronizer".to_owned()], paths.arguments()].concat();
        let mut program = Program::start(directory.path(), arguments);
        until(|| requests(&fleet) > begun).await;
        // Relays go on meanwhile.
        let news = generator.note_at(now());
        fleet.member(kill).publish(news).await.unwrap();
        let life = random.random_range(0..LONGEST_LIFE_MS);
        tokio::time::sleep(Duration::from_millis(life)).await;
        program.signal("KILL");
        tokio::task::block_in_place(|| program.wait());
    }

    let urls: Vec<&str> = fleet.members().iter().map(|m| m.url().as_str()).collect();
    let accounts = run(
        directory.path(),
        &paths,
        &[&["sync", "--json"], &urls[..]].concat(),
    );
    let accounts: Vec<Value> = serde_json::from_slice(&accounts).unwrap();
    for account in &accounts {
        assert_eq!(account["end"], "caught-up", "{account}");
        assert_eq!(account["filters"][0]["gaps"], Value::Array(Vec::new()));
    }
    let held: BTreeSet<EventId> = fleet.members().iter().flat_map(|m| m.holds()).collect();
    let archived = ids(&run(directory.path(), &paths, &["export"]));
    assert!(archived == held, "{} of {}", archived.len(), held.len());
    fleet.stop().await;
}

/// Relays of every order, one that we did not write among them.
fn plan() -> FleetPlan {
    [
        Behaviour::Cap { limit: 30 },
        Behaviour::OldestFirst { cap: 30 },
        Behaviour::Honest,
        Behaviour::Healthy,
        Behaviour::Cap { limit: 50 },
    ]
    .map(MemberPlan::new)
    .into_iter()
    .fold(FleetPlan::new(12).events(1_200), FleetPlan::member)
}

/// Names relays without asking them first, and makes small pages.
fn configure(paths: &ConfigPaths) {
    let seeds = serde_json::json!(paths.seeds);
    let seeder = format!("seed: {{file_path: {seeds}, to_validate: false}}\n");
    for (service, yaml) in [("seeder", seeder.as_str()), ("synchronizer", SETTINGS)] {
        let path = paths.config.join(format!("services/{service}.yaml"));
        std::fs::write(path, yaml).unwrap();
    }
}

fn requests(fleet: &Fleet) -> usize {
    fleet.members().iter().map(|m| m.seen().reqs.len()).sum()
}

fn run(directory: &Path, paths: &ConfigPaths, words: &[&str]) -> Vec<u8> {
    let words = words.iter().map(|&word| word.to_owned());
    let mut command = command(words.chain(paths.arguments()));
    let output = tokio::task::block_in_place(|| command.current_dir(directory).output());
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    output.stdout
}

async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap();
}

/// What the program takes for the present.
fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the program's own clock")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap().as_secs()
}
