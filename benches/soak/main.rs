//! A long run of `bigbrotr run` against a laboratory of many relays, killed at random moments.
//!
//! `cargo bench --bench soak` starts the laboratory in this process and the built program in another, kills the
//! program with SIGKILL and starts it again, `--kills` times, while it archives `--events` events of `--relays`
//! relays, and then lets it finish. The laboratory makes events as it is asked for them, so that it needs no memory
//! for them and next to no time. The program's memory is read once a second. In the end the ids in the archive are
//! compared with those that the relays hold: a difference, or more memory than is allowed, fails the run. It gives
//! up after `--minutes`. What it saw is in `target/benchmarks`: `soak.txt` and `soak.svg`.
//!
//! Ten million events need about 20 GB in the folder for temporary files (`TMPDIR`).

mod census;
mod report;
mod rounds;

#[path = "../instruments/curve.rs"]
mod curve;
#[path = "../instruments/free_address.rs"]
mod free_address;
#[path = "../instruments/machine.rs"]
mod machine;
#[path = "../instruments/option.rs"]
mod option;
#[path = "../memory/program.rs"]
mod program;
#[path = "../instruments/resident.rs"]
mod resident;
#[path = "../memory/sample.rs"]
mod sample;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::events::Series;
use fleet::{Behaviour, ConfigOptions, ConfigPaths, Fleet, FleetPlan, MemberPlan};

use self::census::Census;
use self::free_address::free_address;
use self::option::option;
use self::report::Report;
use self::rounds::Rounds;

const EVENTS: usize = 10_000_000;
const RELAYS: usize = 200;
const KILLS: usize = 50;
const MINUTES: usize = 60;

/// Memory besides the map of the event store's file that the program may use.
const MAX_MEMORY_KB: u64 = 256 << 10;

fn main() {
    let began = Instant::now();
    let (events, relays) = (option("--events", EVENTS), option("--relays", RELAYS));
    let (kills, minutes) = (option("--kills", KILLS), option("--minutes", MINUTES));
    // Every relay holds as many.
    let events = (events / relays * relays) as u64;
    let deadline = began + Duration::from_secs(60 * minutes as u64);
    let series = Arc::new(Series::new(1, events));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let fleet = runtime.block_on(Fleet::start(plan(relays, &series)));
    let fleet = fleet.expect("loopback has ports");

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
        events,
        deadline,
    };
    let samples = rounds.run();
    finish(&paths, &fleet);
    runtime.block_on(fleet.stop());
    let report = Report {
        relays,
        kills,
        count: Census::of(&series, events).compare(&paths),
        store_bytes: bytes_below(directory.path()),
        took: began.elapsed(),
        samples: &samples,
    };
    tell(&report);
}

/// Prints and keeps what was seen, and fails when it is not as it should be.
fn tell(report: &Report<'_>) {
    let (text, picture) = (report.text(), report.draw());
    std::fs::write(picture.with_extension("txt"), &text).expect("target/ can be written");
    println!("{text}\n{}", picture.display());
    assert_eq!(report.count.missing, 0, "events were lost");
    assert!(
        report.peak_kb() <= MAX_MEMORY_KB,
        "more memory than is allowed"
    );
}

/// Relays that give away everything they hold, in every way that honest ones do.
fn plan(relays: usize, series: &Arc<Series>) -> FleetPlan {
    let behaviours = [
        Behaviour::Honest,
        Behaviour::Cap { limit: 500 },
        Behaviour::Cap { limit: 100 },
        Behaviour::OldestFirst { cap: 500 },
    ];
    let members = behaviours.iter().cycle().cloned();
    let shares = series.shares(relays as u64).into_iter();
    let members = members
        .zip(shares)
        .map(|(behaviour, share)| MemberPlan::new(behaviour).series(share));
    members.fold(FleetPlan::new(1), FleetPlan::member)
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

/// What the files in a folder take on disk, holes left out.
fn bytes_below(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => bytes_below(&entry.path()),
        Ok(found) => found.blocks() * 512,
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}
