//! One pass of the program, watched until it ends.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use fleet::ConfigPaths;

use super::others::Others;
use super::process_cpu::cpu_seconds;
use super::resident::{field, map_kb};

/// Between two looks.
const PERIOD: Duration = Duration::from_millis(100);
/// When it is given up.
const DEADLINE: Duration = Duration::from_secs(3_600);

/// What a pass used.
pub(crate) struct Usage {
    pub(crate) wall: Duration,
    pub(crate) cpu_seconds: f64,
    /// The most resident memory besides pages of the event store's file.
    pub(crate) peak_kb: u64,
    /// The most sockets that were open at once.
    pub(crate) peak_sockets: usize,
    /// How many cores other programs left it, the laboratory among them.
    pub(crate) cores_left: f64,
}

/// Runs these roles once.
pub(crate) fn run(paths: &ConfigPaths, roles: &str) -> Usage {
    let mut child = program(paths, &["run", "--once", "--roles", roles]);
    let (began, others) = (Instant::now(), Others::now());
    let (mut peak_kb, mut peak_sockets) = (0, 0);
    // Until it is reaped, what has ended still tells its CPU time.
    while !has_ended(&stat(&child)) {
        assert!(began.elapsed() < DEADLINE, "{roles}: not done in time");
        peak_kb = peak_kb.max(besides_map_kb(&child));
        peak_sockets = peak_sockets.max(open_sockets(&child));
        std::thread::sleep(PERIOD);
    }
    let (wall, cpu_seconds) = (began.elapsed(), cpu_seconds(&stat(&child), 11));
    let status = child.wait().expect("it is our child");
    assert!(
        status.success(),
        "{roles}: {status}; target/benchmarks/monitor.log tells"
    );
    Usage {
        wall,
        cpu_seconds,
        peak_kb,
        peak_sockets,
        cores_left: others.cores_left(cpu_seconds * 1e6),
    }
}

/// Starts the program with a configuration; what it says is kept.
pub(crate) fn program(paths: &ConfigPaths, arguments: &[&str]) -> Child {
    let child = Command::new(env!("CARGO_BIN_EXE_bigbrotr"))
        .args(arguments)
        .args(paths.arguments())
        .stdout(log())
        .stderr(log())
        .spawn();
    child.expect("the program was built")
}

fn log() -> File {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/benchmarks");
    fs::create_dir_all(&directory).expect("target/ can be written");
    let log = File::options()
        .create(true)
        .append(true)
        .open(directory.join("monitor.log"));
    log.expect("target/ can be written")
}

/// The fields behind the program's name, which is in parentheses.
fn stat(child: &Child) -> String {
    let text = proc_file(child, "stat");
    text.rsplit(") ").next().unwrap_or_default().to_owned()
}

fn has_ended(stat: &str) -> bool {
    stat.starts_with('Z')
}

fn besides_map_kb(child: &Child) -> u64 {
    let resident = field(&proc_file(child, "status"), "VmRSS:");
    resident.saturating_sub(map_kb(&proc_file(child, "smaps")))
}

fn open_sockets(child: &Child) -> usize {
    let Ok(open) = fs::read_dir(format!("/proc/{}/fd", child.id())) else {
        return 0;
    };
    let targets = open
        .flatten()
        .filter_map(|file| fs::read_link(file.path()).ok());
    targets
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .count()
}

/// Nothing once it has ended.
fn proc_file(child: &Child, name: &str) -> String {
    fs::read_to_string(format!("/proc/{}/{name}", child.id())).unwrap_or_default()
}
