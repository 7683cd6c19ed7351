//! The relay and its clients: what each costs that waits, what some do to others, and how soon events are with them.
//!
//! `cargo bench --bench relay` starts the built program as `bigbrotr relay` in a process of its own, four times:
//!
//! * `idle` connects `-- --connections 10000` clients, each with one REQ, and reads the program's memory from `/proc`
//!   before, with half of them and with all. The bound is 16 kB for each. Kernel buffers are not counted; neither
//!   process may open more files than `ulimit -n` says.
//! * `overload` has one client look up an event by its id, over and over for `-- --seconds 10`: alone, then beside
//!   clients in a further process that want too much. The bound is twice the 99th percentile of the idle relay.
//! * `delivery` has 100 clients follow a thousand authors in a thousand subscriptions, and publishes: 200 events a second, then
//!   as many as are taken.
//! * `publishing` has four clients bring 100,000 notes, 128 of each on their way at a time. The bounds are 15 s of the
//!   relay's CPU, and 150 ms until 99 of 100 are answered.
//!
//! `-- idle`, `-- overload`, `-- delivery` or `-- publishing` measures one of them alone.

mod clients;
mod delivery;
mod idle;
mod loads;
mod overload;
mod program;
mod publishing;

#[path = "../instruments/free_address.rs"]
mod free_address;
#[path = "../instruments/machine.rs"]
mod machine;
#[path = "../instruments/option.rs"]
mod option;
#[path = "../instruments/process_cpu.rs"]
mod process_cpu;

use self::option::option;

/// Idle clients.
const CONNECTIONS: usize = 10_000;

/// How long look-ups go on under each load.
const SECONDS: usize = 10;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let names = |name: &str| arguments.iter().any(|argument| argument == name);
    if let Some((load, address)) = loads::asked_for(&arguments) {
        return loads::run(load, address);
    }
    println!("{}\n", machine::describe());
    let parts = ["idle", "overload", "delivery", "publishing"];
    let is_whole = !parts.into_iter().any(names);
    if is_whole || names("idle") {
        idle::measure(option("--connections", CONNECTIONS));
    }
    if is_whole || names("overload") {
        overload::measure(option("--seconds", SECONDS));
    }
    if is_whole || names("delivery") {
        delivery::measure();
    }
    if is_whole || names("publishing") {
        publishing::measure();
    }
}
