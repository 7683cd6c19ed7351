//! What a round over many relays costs, and a list of candidates that is almost all junk.
//!
//! `cargo bench --bench monitor` starts laboratories in this process and `bigbrotr run --once` in others, and
//! reads from `/proc` what each uses. A round checks 2,000 relays, 5 % of them silent, 5 % refusing connections and
//! 20 % with TLS: within 60 s, in 200 MB besides the map, with 8 ms of CPU for each that answers; then rounds over
//! plain relays alone and over TLS alone. The finder and the validator work through 100,000 URLs, 97 % junk, over
//! at most 200 open sockets. Timeouts and concurrency are the program's own. `-- --relays 2000
//! --candidates 100000` are the defaults; 0 leaves a part out.
//!
//! What the program says is in `target/benchmarks/monitor.log`.

mod crowd;
mod directory;
mod pass;
mod reader;
mod round;
mod sieve;

#[path = "../instruments/free_address.rs"]
mod free_address;
#[path = "../instruments/machine.rs"]
mod machine;
#[path = "../instruments/option.rs"]
mod option;
#[path = "../instruments/others.rs"]
mod others;
#[path = "../instruments/process_cpu.rs"]
mod process_cpu;
#[path = "../instruments/resident.rs"]
mod resident;

use std::path::Path;

use fleet::{ConfigOptions, ConfigPaths, Fleet};

use self::crowd::Crowd;
use self::free_address::free_address;
use self::option::option;

const RELAYS: usize = 2_000;
const CANDIDATES: usize = 100_000;

/// The program's own time for a relay, seconds; laboratories are less patient otherwise.
const TIMEOUT_SECONDS: u32 = 10;

fn main() {
    println!("{}\n", machine::describe());
    let (relays, candidates) = (
        option("--relays", RELAYS),
        option("--candidates", CANDIDATES),
    );
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    if relays > 0 {
        println!("{}", round::HEAD);
        for crowd in [
            Crowd::mixed(relays),
            Crowd::plain(relays / 4),
            Crowd::tls(relays / 4),
        ] {
            println!("{}", round::measure(&runtime, &crowd));
        }
    }
    if candidates > 0 {
        println!("\n{}", sieve::measure(&runtime, candidates));
    }
}

/// Writes what makes the program meet a laboratory, with its own intervals; services as they are given.
fn configure(fleet: &Fleet, directory: &Path, services: &[(&str, String)]) -> ConfigPaths {
    let options = ConfigOptions {
        relay_listen: free_address(),
        metrics_listen: None,
        timeout_seconds: TIMEOUT_SECONDS,
        interval_seconds: 3_600,
        ..ConfigOptions::default()
    };
    let paths = fleet.write_config(directory, &options);
    let paths = paths.expect("the directory can be written");
    for (service, yaml) in services {
        let path = paths.config.join(format!("services/{service}.yaml"));
        std::fs::write(path, yaml).expect("the directory can be written");
    }
    paths
}
