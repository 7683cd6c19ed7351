//! The program, from its start to its end.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use fleet::ConfigPaths;

use super::others::Others;
use super::report::Cost;

/// `USER_HZ`, which is the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Where `/proc/…/stat` has the user time of a process, counted behind its name; its system time is next.
const OWN: usize = 11;

/// Where it has that of the children which it has waited for.
const CHILDREN: usize = 13;

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
    let stat = format!("/proc/{}/stat", child.id());
    let durable = cost(cpu_us(Path::new(&stat), OWN));
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

fn children_us() -> f64 {
    cpu_us(Path::new("/proc/self/stat"), CHILDREN)
}

/// User and system time, in microseconds.
fn cpu_us(stat: &Path, field: usize) -> f64 {
    let stat = fs::read_to_string(stat).expect("this is Linux");
    // The name of the program is in parentheses.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let times = fields.split_whitespace().skip(field).take(2);
    let ticks: f64 = times.filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / TICKS_PER_SECOND * 1e6
}
