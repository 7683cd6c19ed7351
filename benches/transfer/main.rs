//! What the synchronizer transfers: by paging, and by comparing sets with an archive that is nearly the same.
//!
//! `cargo bench --bench transfer` pages 100,000 events out of a laboratory relay that sends 500 at once,
//! and then lets two archives of a million events compare themselves, each over the relay of the other:
//! one has a thousand events that the other has not; and says what the first answers of such a comparison cost.
//! `-- --events 200000` makes the archives smaller, and `-- opening` measures the last part alone.

mod archives;
mod comparing;
mod crawler;
mod meter;
mod opening;
mod paging;

#[path = "../instruments/cpu.rs"]
mod cpu;
#[path = "../instruments/machine.rs"]
mod machine;

// The allocator of the program, so that the figures are the program's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Events of the relay that is paged.
const PAGED: usize = 100_000;
/// Events that both archives have.
const COMMON: usize = 1_000_000;
/// Events that one of them has besides.
const EXTRA: usize = 1_000;

fn main() {
    println!("{}\n", machine::describe());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    if !std::env::args().any(|argument| argument == "opening") {
        runtime.block_on(paging::run(PAGED));
        runtime.block_on(comparing::run(common(), EXTRA));
    }
    runtime.block_on(opening::run(common()));
}

/// `--events N`; cargo adds `--bench`.
fn common() -> usize {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == "--events");
    let value = at.and_then(|at| arguments.get(at + 1));
    value.map_or(COMMON, |value| value.parse().expect("--events is a number"))
}
