//! What archiving costs beside signatures, the part of it that nobody can spare.
//!
//! `cargo bench --bench archive` takes the same seeded events to four stations in turn, round by round,
//! so that whatever else the machine does meets all of them: bare verification, the door as new
//! events, and the door again as events that another relay has too. Rates compare within a round; the
//! figures are medians over the rounds. `-- --rounds 20` makes a larger archive.

mod report;
mod stations;
mod tables;

#[path = "../instruments/bars.rs"]
mod bars;
#[path = "../instruments/cpu.rs"]
mod cpu;
#[path = "../instruments/machine.rs"]
mod machine;
#[path = "../instruments/option.rs"]
mod option;
#[path = "../instruments/others.rs"]
mod others;

use nips::Event;

use self::option::option;
use self::report::Report;
use self::stations::Stations;

// The allocator of the program, so that the figures are the program's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Events of a round: many seconds of work, so that its beginning, when nothing can be written yet, and
/// its end, when nothing is left to be verified and one thread indexes what waits, do not count
/// for much.
const ROUND_EVENTS: usize = 500_000;
/// Rounds.
const ROUNDS: usize = 3;
/// Events to warm up with.
const WARM_UP_EVENTS: usize = 20_000;

fn main() {
    println!("{}\n", machine::describe());
    let rounds = option("--rounds", ROUNDS);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let mut generator = fleet::events::Generator::new(1);
    let mut report = Report::default();
    let mut stations = runtime.block_on(Stations::open(directory.path()));
    let mut next = |count| -> Vec<Event> { generator.by_ref().take(count).collect() };
    runtime.block_on(stations.round(&next(WARM_UP_EVENTS)));
    for _ in 0..rounds {
        let events = next(ROUND_EVENTS);
        report.add(runtime.block_on(stations.round(&events)));
    }
    let relays = runtime.block_on(stations.close());
    report.print();
    tables::print(
        directory.path(),
        WARM_UP_EVENTS + rounds * ROUND_EVENTS,
        relays,
    );
    report.draw();
}
