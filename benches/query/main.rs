//! What queries cost on a hundred thousand events and on half a million.
//!
//! `cargo bench --bench query` prints CPU time per query, which a busy machine does not change much,
//! for both archives: what depends on the size of the archive shows. Then comes divan's wall clock.

mod archive;
mod classes;
mod data;

#[path = "../instruments/bars.rs"]
mod bars;
#[path = "../instruments/cpu.rs"]
mod cpu;
#[path = "../instruments/machine.rs"]
mod machine;

use std::sync::LazyLock;

use self::archive::Archive;
use self::bars::{Bar, Bars};
use self::classes::{Class, classes};

// The allocator of the program, so that the figures are the program's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Events of the archive that the bounds are for, and of one that is small beside it.
const LARGE: usize = 500_000;
const SMALL: usize = 100_000;

static ARCHIVE: LazyLock<Archive> = LazyLock::new(|| Archive::open(LARGE));
static CLASSES: LazyLock<Vec<Class>> = LazyLock::new(|| classes(&ARCHIVE));

fn main() {
    println!("{}\n", machine::describe());
    let small = Archive::open(SMALL);
    let small_classes = classes(&small);
    println!(
        "\n{:<32} {:>9} {:>7} {:>9} {:>7} {:>8} {:>8}",
        "CPU per query, µs", "100 k", "events", "500 k", "events", "growth", "bound"
    );
    let mut bars = Vec::new();
    for (class, small_class) in CLASSES.iter().zip(&small_classes) {
        let (small_cost, small_events) = small.measure(small_class);
        let (cost, events) = ARCHIVE.measure(class);
        println!(
            "{:<32} {small_cost:>9.1} {small_events:>7.1} {cost:>9.1} {events:>7.1} {:>8.2} {:>8.0}",
            class.name,
            cost / small_cost,
            class.bound_us
        );
        bars.push(bar(class, cost));
    }
    let chart = Bars {
        title: "CPU time of a query on 500,000 events, as a share of its bound",
        footnote: &machine::describe(),
        bars,
        line: Some((1.0, "bound")),
    };
    println!("\n{}\n", chart.save("query.svg").display());
    divan::main();
}

fn bar(class: &Class, cost: f64) -> Bar {
    Bar {
        label: class.name.to_owned(),
        length: cost / class.bound_us,
        text: format!("{cost:.0} of {:.0} µs", class.bound_us),
        is_missed: cost > class.bound_us,
    }
}

#[divan::bench(args = CLASSES.iter().map(|class| class.name))]
fn query(bencher: divan::Bencher<'_, '_>, name: &str) {
    let class = CLASSES
        .iter()
        .find(|class| class.name == name)
        .expect("it is one of them");
    let mut turn = 0;
    bencher.bench_local(|| {
        turn += 1;
        ARCHIVE.ask(&class.filters[turn % class.filters.len()])
    });
}
