//! What archiving costs beside signatures, the part of it that nobody can spare.
//!
//! `cargo bench --bench archive` takes the same seeded events to four stations in turn, round by round,
//! so that whatever else the machine does meets all of them: bare verification, the door as new
//! events, and the door again as events that another relay has too. The figures are those of all rounds
//! together, as of one long crawl: events that wait to be indexed are indexed while others come, and the last ones at the end,
//! which counts as well. `-- --rounds 20` makes a larger archive.

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
#[path = "../instruments/signatures.rs"]
mod signatures;

use nips::Event;

use self::option::option;
use self::report::Report;
use self::stations::{End, Stations};

// The allocator of the program, so that the figures are the program's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Events of a round: many seconds of work, so that its beginning, when nothing can be written yet, and
/// its end, when nothing is left to be verified, do not count for much.
const ROUND_EVENTS: usize = 500_000;
/// Rounds: enough for several bulks to be indexed.
const ROUNDS: usize = 4;
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
    runtime.block_on(stations.round(&next(WARM_UP_EVENTS), End::Index));
    for round in 1..=rounds {
        let events = next(ROUND_EVENTS);
        let end = match round == rounds {
            true => End::Index,
            false => End::GoOn,
        };
        report.add(runtime.block_on(stations.round(&events, end)));
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
