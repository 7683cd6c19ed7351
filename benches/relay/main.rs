//! Memory of the relay for each client that is connected, has one subscription and waits.
//!
//! `cargo bench --bench relay` starts the built program as `bigbrotr relay` in a process of its own, connects
//! `-- --connections 10000` clients from this one, each with one REQ, and reads the program's memory from
//! `/proc` before, with half of them and with all. The bound is 16 kB for each. Kernel buffers are not counted;
//! neither process may open more files than `ulimit -n` says.

mod clients;
mod program;

#[path = "../instruments/machine.rs"]
mod machine;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use self::clients::Clients;
use self::program::Program;

const CONNECTIONS: usize = 10_000;

/// Clients that connect at first, so that what the program needs once is not counted for each.
const WARM_UP: usize = 200;

/// What an idle client may cost.
const BOUND_KB: f64 = 16.0;

fn main() {
    println!("{}\n", machine::describe());
    let connections = option("--connections", CONNECTIONS);
    let address = free_address();
    let program = Program::start(address);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let mut clients = Clients::new(address);
    runtime.block_on(clients.connect(WARM_UP));
    let before = program.anonymous_kb();
    println!("{:>12}  {:>10}  {:>14}", "connections", "kB", "kB each");
    println!("{WARM_UP:>12}  {before:>10}");
    let mut each = 0.0;
    for count in [connections / 2, connections] {
        runtime.block_on(clients.connect(count));
        let now = program.anonymous_kb();
        each = (now - before) as f64 / (count - WARM_UP) as f64;
        println!("{count:>12}  {now:>10}  {each:>14.1}");
    }
    runtime.block_on(clients.all_are_served());
    let verdict = if each <= BOUND_KB { "within" } else { "above" };
    println!("\n{each:.1} kB for each idle client, {verdict} the bound of {BOUND_KB} kB");
}

/// `NAME NUMBER` among the arguments; cargo adds `--bench`.
fn option(name: &str, default: usize) -> usize {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == name);
    let value = at.and_then(|at| arguments.get(at + 1));
    value.map_or(default, |value| value.parse().expect("it is a number"))
}

/// An address that is free now.
fn free_address() -> SocketAddr {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = TcpListener::bind(any).expect("loopback has ports");
    listener.local_addr().expect("it is bound")
}
