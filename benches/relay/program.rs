//! The program under observation.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::process_cpu::cpu_seconds;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// `bigbrotr relay` over an empty archive; it ends when this is dropped.
pub(crate) struct Program {
    child: Child,
    _directory: TempDir,
}

impl Program {
    /// Starts it with caps that let everybody in, and more lines in `relay.yaml`. What it says goes to
    /// `target/benchmarks/relay.log`.
    pub(crate) fn start(address: SocketAddr, more: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let write = |name: &str, text: String| {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().expect("it is in a folder"))
                .and_then(|()| fs::write(path, text))
                .expect("the directory can be written");
        };
        write(
            "config/brotr.yaml",
            "metrics: {enabled: false}\n".to_owned(),
        );
        write(
            "relay-config/relay.yaml",
            format!("listen: {address}\n{more}"),
        );
        write("relay-config/policy.yaml", POLICY.to_owned());
        let child = Command::new(env!("CARGO_BIN_EXE_bigbrotr"))
            .arg("relay")
            .current_dir(directory.path())
            .stdout(log())
            .stderr(log())
            .spawn();
        let program = Self {
            child: child.expect("the program was built"),
            _directory: directory,
        };
        wait_for(address);
        program
    }

    /// CPU time so far, seconds.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let path = PathBuf::from(format!("/proc/{}/stat", self.child.id()));
        let stat = fs::read_to_string(path).expect("the program runs");
        cpu_seconds(&stat, 11)
    }

    /// Memory of its own.
    pub(crate) fn anonymous_kb(&self) -> u64 {
        let path = PathBuf::from(format!("/proc/{}/status", self.child.id()));
        let status = fs::read_to_string(path).expect("the program runs");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"));
        let number = line.and_then(|rest| rest.split_whitespace().next());
        let number = number.and_then(|number| number.parse().ok());
        number.expect("Linux says how much memory a process has")
    }
}

const POLICY: &str = "rates:
  max_connections: 100000
  max_connections_per_address: 100000
  max_connections_per_prefix: 100000
  requests_per_minute: 1000000
  requests_per_minute_per_prefix: 10000000
  events_per_minute: 1000000
  events_per_minute_per_prefix: 10000000
  events_per_minute_per_key: 1000000
  query_time_per_minute: 1000
  query_time_per_minute_per_prefix: 1000
bans:
  enabled: false
";

fn log() -> File {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/benchmarks");
    fs::create_dir_all(&directory).expect("target/ can be written");
    let log = File::options()
        .create(true)
        .append(true)
        .open(directory.join("relay.log"));
    log.expect("target/ can be written")
}

fn wait_for(address: SocketAddr) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        #[expect(
            clippy::disallowed_methods,
            reason = "a look on loopback at a program of our own"
        )]
        let connected = std::net::TcpStream::connect(address);
        if connected.is_ok() {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "target/benchmarks/relay.log tells"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Its data are in a temporary directory; there is nothing to be saved.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
