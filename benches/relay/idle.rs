//! Memory for each client that is connected, has one subscription and waits.

use super::clients::Clients;
use super::free_address::free_address;
use super::program::Program;

/// Clients that connect at first, so that what the program needs once is not counted for each.
const WARM_UP: usize = 200;

/// What an idle client may cost.
const BOUND_KB: f64 = 16.0;

pub(crate) fn measure(connections: usize) {
    let address = free_address();
    let program = Program::start(address, "");
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
    println!("\n{each:.1} kB for each idle client, {verdict} the bound of {BOUND_KB} kB\n");
}
