//! What events cost in PostgreSQL: bytes on disk, CPU of the server a row, several writers, and how long callers wait
//! at ten million events; and what statistics cost.
//!
//! `make test-servers`, then `cargo bench --bench postgres`, or with `-- costs`, `-- writers`, `-- latency` or
//! `-- statistics` only a part of it. The server's CPU is that of all its processes, so it does not depend on how this program was built, and
//! little on how busy the machine is.

mod batches;
mod costs;
#[path = "../query/data.rs"]
mod data;
mod latency;
#[path = "../instruments/machine.rs"]
mod machine;
mod server;
mod statistics;
mod writers;

use self::server::Server;

const PARTS: [&str; 4] = ["costs", "writers", "latency", "statistics"];

#[tokio::main]
async fn main() {
    let named: Vec<String> = std::env::args().skip(1).collect();
    let is_named = |part: &str| named.iter().any(|name| name == part);
    let is_whole = !PARTS.into_iter().any(is_named);
    let is_wanted = |part: &str| is_whole || is_named(part);
    let server = Server::find();
    println!("{}, {}\n", machine::describe(), server.version().await);
    if is_wanted("costs") {
        costs::measure(&server).await;
    }
    if is_wanted("writers") {
        writers::measure(&server).await;
    }
    if is_wanted("latency") {
        latency::measure(&server).await;
    }
    if is_wanted("statistics") {
        statistics::measure(&server).await;
    }
    server.drop_database().await;
}
