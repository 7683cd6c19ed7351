//! The relay and its clients: what each costs that waits, and what some do to others.
//!
//! `cargo bench --bench relay` starts the built program as `bigbrotr relay` in a process of its own, twice:
//!
//! * `idle` connects `-- --connections 10000` clients, each with one REQ, and reads the program's memory from `/proc`
//!   before, with half of them and with all. The bound is 16 kB for each. Kernel buffers are not counted; neither
//!   process may open more files than `ulimit -n` says.
//! * `overload` has one client look up an event by its id, over and over for `-- --seconds 10`: alone, then beside
//!   clients in a further process that want too much. The bound is twice the 99th percentile of the idle relay.
//!
//! `-- idle` or `-- overload` measures one of them alone.

mod clients;
mod idle;
mod loads;
mod overload;
mod program;

#[path = "../instruments/free_address.rs"]
mod free_address;
#[path = "../instruments/machine.rs"]
mod machine;
#[path = "../instruments/option.rs"]
mod option;

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
    let is_whole = !names("idle") && !names("overload");
    if is_whole || names("idle") {
        idle::measure(option("--connections", CONNECTIONS));
    }
    if is_whole || names("overload") {
        overload::measure(option("--seconds", SECONDS));
    }
}
