//! What archiving costs beside signatures, the part of it that nobody can spare.
//!
//! `cargo bench --bench archive` takes the same seeded events to four stations in turn, round by round,
//! so that whatever else the machine does meets all of them: bare verification, the door as new
//! events, and the door again as events that another relay has too. Rates compare within a round; the
//! figures are medians over the rounds. `-- --rounds 50` makes a larger archive.

mod report;
mod stations;
mod tables;

#[path = "../instruments/bars.rs"]
mod bars;
#[path = "../instruments/cpu.rs"]
mod cpu;
#[path = "../instruments/machine.rs"]
mod machine;

use nips::Event;

use self::report::Report;
use self::stations::Stations;

// The allocator of the program, so that the figures are the program's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Events of a round: about two seconds of work for two cores.
const ROUND_EVENTS: usize = 50_000;
/// Rounds that are reported, after one to warm up.
const ROUNDS: usize = 5;

fn main() {
    println!("{}\n", machine::describe());
    let rounds = rounds();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let mut generator = fleet::events::Generator::new(1);
    let mut report = Report::default();
    let mut stations = runtime.block_on(Stations::open(directory.path()));
    for round in 0..=rounds {
        let events: Vec<Event> = generator.by_ref().take(ROUND_EVENTS).collect();
        let measured = runtime.block_on(stations.round(&events));
        if round > 0 {
            report.add(measured);
        }
    }
    let relays = runtime.block_on(stations.close());
    report.print();
    tables::print(directory.path(), (rounds + 1) * ROUND_EVENTS, relays);
    report.draw();
}

/// `--rounds N`; cargo adds `--bench`.
fn rounds() -> usize {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == "--rounds");
    let value = at.and_then(|at| arguments.get(at + 1));
    value.map_or(ROUNDS, |value| value.parse().expect("--rounds is a number"))
}
