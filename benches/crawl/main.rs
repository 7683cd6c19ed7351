//! New events from the sockets of relays to the disk, beside bare signature verification.
//!
//! `cargo bench --bench crawl` lets 200 laboratory relays in this process hold 1.8 million events, each its own, and has the
//! built program archive them with one `bigbrotr sync`, in a process of its own: until all are durable, and until what waited
//! is indexed, too. `-- --events 500000 --relays 50` are fewer.
//!
//! The laboratory works on the same cores; so it is not the rate alone that is compared, but the rate that the cores which
//! were left to the program come to, and its CPU time. The bound is 0.7 of bare verification.

mod program;
mod report;

#[path = "../instruments/cpu.rs"]
mod cpu;
#[path = "../instruments/machine.rs"]
mod machine;
#[path = "../instruments/option.rs"]
mod option;
#[path = "../instruments/others.rs"]
mod others;
#[path = "../instruments/process_cpu.rs"]
mod process_cpu;
#[path = "../instruments/signatures.rs"]
mod signatures;

use std::path::Path;
use std::time::Instant;

use bigbrotr::store::events::BatchNumber;
use bigbrotr::store::{Embedded, EmbeddedOptions, EventStore as _};
use fleet::events::Generator;
use fleet::{Behaviour, ConfigOptions, Fleet, FleetPlan, MemberPlan};
use nips::Event;

use self::cpu::CpuTime;
use self::option::option;
use self::others::Others;
use self::report::{Cost, Report};
use self::signatures::check_signatures;

/// The two millionth of the generator was written at the end of 2026, and relays are not asked for the future.
const EVENTS: usize = 1_800_000;
const RELAYS: usize = 200;

/// What a relay sends at once.
const CAP: usize = 500;

/// Events whose signatures are checked for comparison.
const SIGNATURES: usize = 500_000;

fn main() {
    println!("{}\n", machine::describe());
    let (events, relays) = (option("--events", EVENTS), option("--relays", RELAYS));
    // Every relay holds as many.
    let events = events / relays * relays;
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let mut generator = Generator::new(1);
    let held: Vec<Vec<Event>> = (0..relays)
        .map(|_| generator.by_ref().take(events / relays).collect())
        .collect();
    let some: Vec<Event> = held.iter().flatten().take(SIGNATURES).cloned().collect();
    let signatures = || {
        measure(some.len(), || {
            runtime.block_on(check_signatures(some.clone()))
        })
    };
    let signatures_before = signatures();

    let fleet = runtime.block_on(Fleet::start(plan(held)));
    let fleet = fleet.expect("loopback has ports");
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let paths = fleet.write_config(directory.path(), &ConfigOptions::default());
    let paths = paths.expect("the directory can be written");
    let urls = fleet.members().iter().map(|it| it.url().to_string());
    let urls: Vec<String> = urls.collect();

    let laboratory = CpuTime::now();
    let crawl = program::sync(&paths, &urls, events);
    let laboratory_us = laboratory.elapsed_in("tokio-rt-worker");
    runtime.block_on(fleet.stop());
    let indexed = measure(0, || runtime.block_on(index_the_rest(&paths.data, events)));
    // Machines that others use, too, are not always equally fast.
    let report = Report {
        signatures: signatures_before.and(signatures()),
        durable: crawl.durable,
        laboratory_us,
        indexed: crawl.ended.and(indexed),
    };
    report.print();
}

/// Relays that give away everything they hold.
fn plan(held: Vec<Vec<Event>>) -> FleetPlan {
    let member = |events| MemberPlan::new(Behaviour::Cap { limit: CAP }).own_events(events);
    let members = held.into_iter().map(member);
    members.fold(FleetPlan::new(1), FleetPlan::member)
}

/// What this process takes for some work.
fn measure(events: usize, work: impl FnOnce()) -> Cost {
    let (cpu, others, began) = (CpuTime::now(), Others::now(), Instant::now());
    work();
    let cpu_us = cpu.elapsed_us();
    Cost {
        events,
        seconds: began.elapsed().as_secs_f64(),
        cpu_us,
        cores_left: others.cores_left(cpu_us),
    }
}

/// Indexes what the program left, and checks that it archived everything.
async fn index_the_rest(data: &Path, events: usize) {
    let store = Embedded::open(data, EmbeddedOptions::default()).await;
    let store = store.expect("the program has closed its store");
    let trimmed = store.trim_arrivals(BatchNumber(0), 0).await;
    assert_eq!(trimmed.expect("the store answers"), 0);
    let statistics = store.event_statistics().await;
    let statistics = statistics.expect("counters can be read");
    assert_eq!(statistics.events, events as u64, "everything is archived");
    store.close().await;
}
