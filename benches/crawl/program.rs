//! The program, from its start to its end.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use fleet::ConfigPaths;

use super::others::Others;
use super::process_cpu::cpu_seconds;
use super::report::Cost;

/// What the program took.
pub(crate) struct Crawl {
    /// Until everything was durable: then it says what it has done.
    pub(crate) durable: Cost,
    /// Until it has ended, and with that indexed what waited.
    pub(crate) ended: Cost,
}

/// Has `bigbrotr sync` archive so many events that these relays hold. Its progress goes to `target/benchmarks/crawl.log`.
pub(crate) fn sync(paths: &ConfigPaths, urls: &[String], events: usize) -> Crawl {
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/benchmarks/crawl.log");
    fs::create_dir_all(log.with_file_name("")).expect("target/ can be written");
    let (earlier_us, others, began) = (children_us(), Others::now(), Instant::now());
    let mut child = Command::new(env!("CARGO_BIN_EXE_bigbrotr"))
        .arg("sync")
        .args(urls)
        .args(paths.arguments())
        .stdout(Stdio::piped())
        .stderr(File::create(log).expect("target/ can be written"))
        .spawn()
        .expect("the program was built");
    let cost = |cpu_us| Cost {
        events,
        seconds: began.elapsed().as_secs_f64(),
        cpu_us,
        cores_left: others.cores_left(cpu_us),
    };
    let mut summary = child.stdout.take().expect("it is piped");
    let begun = summary.read(&mut [0]).expect("a pipe can be read");
    assert_eq!(
        begun, 1,
        "it ended early, target/benchmarks/crawl.log tells"
    );
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id()));
    let durable = cost(1e6 * cpu_seconds(&stat.expect("it runs"), 11));
    let rest = summary.read_to_end(&mut Vec::new());
    rest.expect("a pipe can be read");
    let status = child.wait().expect("it is our child");
    assert!(
        status.success(),
        "{status}, target/benchmarks/crawl.log tells"
    );
    let ended = cost(children_us() - earlier_us);
    Crawl { durable, ended }
}

/// CPU time of all processes that this one has started and waited for, in microseconds.
fn children_us() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("this is Linux");
    1e6 * cpu_seconds(&stat, 13)
}
