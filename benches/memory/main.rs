//! Memory of `bigbrotr run` while it archives a laboratory of relays.
//!
//! `cargo bench --bench memory` starts the laboratory in this process and the built program in another,
//! reads the program's memory from `/proc` once a second until it has archived everything that can be
//! had, goes on for a while, and ends both. `-- --events 300000 --relays 60` are the defaults.

mod program;
mod report;
mod sample;

#[path = "../instruments/curve.rs"]
mod curve;
#[path = "../instruments/free_address.rs"]
mod free_address;
#[path = "../instruments/machine.rs"]
mod machine;
#[path = "../instruments/option.rs"]
mod option;
#[path = "../instruments/resident.rs"]
mod resident;

use std::time::{Duration, Instant};

use fleet::{Behaviour, Completeness, ConfigOptions, Fleet, FleetPlan};

use self::free_address::free_address;
use self::option::option;
use self::program::Program;
use self::report::Report;
use self::sample::Sample;

const EVENTS: usize = 300_000;
const RELAYS: usize = 60;

/// Between two samples.
const PERIOD: Duration = Duration::from_secs(1);
/// How long nothing new has to come until everything is there.
const QUIET: Duration = Duration::from_secs(20);
/// How long it is watched after that: some cycles of every service.
const AFTERWARDS: Duration = Duration::from_secs(60);
/// When it is given up.
const DEADLINE: Duration = Duration::from_secs(1_800);

fn main() {
    println!("{}\n", machine::describe());
    let (events, relays) = (option("--events", EVENTS), option("--relays", RELAYS));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let fleet = runtime.block_on(Fleet::start(plan(relays, events)));
    let fleet = fleet.expect("loopback has ports");
    let expected = expected_sightings(&fleet);
    println!("{relays} relays hold {events} events, {expected} copies in all");

    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let public = free_address();
    let config = ConfigOptions {
        relay_listen: public,
        metrics_listen: None,
        ..ConfigOptions::default()
    };
    let paths = fleet.write_config(directory.path(), &config);
    let program = Program::start(&paths.expect("the directory can be written"), public);
    let report = watch(&program, expected);
    drop(program);
    runtime.block_on(fleet.stop());
    report.print();
    report.draw();
}

/// The mixed fleet, but for streams without an end: they would never be archived.
fn plan(relays: usize, events: usize) -> FleetPlan {
    let mut plan = FleetPlan::mixed(1, relays, events);
    for member in &mut plan.members {
        if matches!(member.behaviour, Behaviour::Endless { .. }) {
            member.behaviour = Behaviour::Honest;
        }
    }
    plan
}

/// What is certainly to be had: every copy on a relay that gives everything away.
fn expected_sightings(fleet: &Fleet) -> u64 {
    let members = fleet.members().iter();
    let whole = members.filter(|member| member.completeness() == Completeness::Whole);
    whole.map(|member| member.holds().len() as u64).sum()
}

fn watch(program: &Program, expected: u64) -> Report {
    let start = Instant::now();
    let mut report = Report::new(expected);
    let mut last_change = (0, Duration::ZERO);
    let mut complete_at = None;
    loop {
        std::thread::sleep(PERIOD);
        let elapsed = start.elapsed();
        assert!(elapsed < DEADLINE, "it is not done after {elapsed:?}");
        let sample = Sample::take(program, elapsed);
        if sample.sightings != last_change.0 {
            last_change = (sample.sightings, elapsed);
        }
        let is_quiet = elapsed - last_change.1 >= QUIET;
        report.add(sample);
        if complete_at.is_none() && sample.sightings >= expected && is_quiet {
            complete_at = Some(elapsed);
            report.complete(last_change.1);
        }
        if complete_at.is_some_and(|at| elapsed - at >= AFTERWARDS) {
            return report;
        }
    }
}
