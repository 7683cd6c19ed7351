//! A long run of `bigbrotr run` against a laboratory of many relays, killed at random moments.
//!
//! `cargo bench --bench soak` starts the laboratory in this process and the built program in another, kills the
//! program with SIGKILL and starts it again, `--kills` times, while it archives `--events` events of `--relays`
//! relays, and then lets it finish. Memory is read once a second. In the end the ids in the archive are compared
//! with the union of what every relay holds: a difference, or more memory than is allowed, fails the run. It
//! gives up after `--minutes`.

mod rounds;

#[path = "../instruments/free_address.rs"]
mod free_address;
#[path = "../instruments/machine.rs"]
mod machine;
#[path = "../instruments/option.rs"]
mod option;
#[path = "../memory/program.rs"]
mod program;
#[path = "../memory/sample.rs"]
mod sample;

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use fleet::{Behaviour, ConfigOptions, ConfigPaths, Fleet, FleetPlan, MemberPlan};
use nips::{Event, EventId};

use self::free_address::free_address;
use self::option::option;
use self::rounds::Rounds;

const EVENTS: usize = 300_000;
const RELAYS: usize = 200;
const KILLS: usize = 50;
const MINUTES: usize = 60;

/// Memory besides the map of the event store's file that the program may use.
const MAX_MEMORY_KB: u64 = 256 << 10;

fn main() {
    println!("{}\n", machine::describe());
    let (events, relays) = (option("--events", EVENTS), option("--relays", RELAYS));
    let (kills, minutes) = (option("--kills", KILLS), option("--minutes", MINUTES));
    let deadline = Instant::now() + Duration::from_secs(60 * minutes as u64);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let fleet = runtime.block_on(Fleet::start(plan(relays, events)));
    let fleet = fleet.expect("loopback has ports");
    let held: BTreeSet<EventId> = fleet.members().iter().flat_map(|m| m.holds()).collect();
    println!("{relays} relays hold {} different events", held.len());

    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let config = ConfigOptions {
        relay_listen: free_address(),
        metrics_listen: None,
        ..ConfigOptions::default()
    };
    let paths = fleet.write_config(directory.path(), &config);
    let paths = paths.expect("the directory can be written");
    let rounds = Rounds {
        paths: &paths,
        public: config.relay_listen,
        kills,
        events: held.len() as u64,
        deadline,
    };
    let peak_kb = rounds.run();
    finish(&paths, &fleet);
    let archived = archived(&paths);
    runtime.block_on(fleet.stop());

    let missing = held.difference(&archived).count();
    println!(
        "{kills} kills, {} MB at the most besides the map",
        peak_kb >> 10
    );
    println!(
        "{} of {} events are archived",
        held.len() - missing,
        held.len()
    );
    assert_eq!(missing, 0, "events were lost");
    assert!(peak_kb <= MAX_MEMORY_KB, "more memory than is allowed");
}

/// Relays that give away everything they hold, in every way that honest ones do.
fn plan(relays: usize, events: usize) -> FleetPlan {
    let behaviours = [
        Behaviour::Honest,
        Behaviour::Cap { limit: 500 },
        Behaviour::Cap { limit: 100 },
        Behaviour::OldestFirst { cap: 500 },
    ];
    let members = behaviours.iter().cycle().take(relays).cloned();
    let plan = FleetPlan::new(1).events(events);
    members.map(MemberPlan::new).fold(plan, FleetPlan::member)
}

/// Asks every relay once more: what is counted while the program runs are its own events too.
fn finish(paths: &ConfigPaths, fleet: &Fleet) {
    let urls = fleet
        .members()
        .iter()
        .map(|member| member.url().to_string());
    let synced = Command::new(env!("CARGO_BIN_EXE_bigbrotr"))
        .arg("sync")
        .args(urls)
        .args(paths.arguments())
        .output();
    let synced = synced.expect("the program was built");
    let said = String::from_utf8_lossy(&synced.stderr);
    assert!(synced.status.success(), "{said}");
}

/// The ids in the archive, by `bigbrotr export`. Our own monitor's events are among them.
fn archived(paths: &ConfigPaths) -> BTreeSet<EventId> {
    let exported = Command::new(env!("CARGO_BIN_EXE_bigbrotr"))
        .arg("export")
        .args(paths.arguments())
        .output();
    let exported = exported.expect("the program was built").stdout;
    let text = std::str::from_utf8(&exported).expect("JSON is UTF-8");
    let events = text
        .lines()
        .map(|line| Event::from_json(line).expect("an event"));
    events.map(|event| event.id()).collect()
}
