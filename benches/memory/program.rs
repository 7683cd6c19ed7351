//! The program under observation.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use fleet::ConfigPaths;
use serde_json::Value;

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// `bigbrotr run`; it ends when this is dropped.
pub(crate) struct Program {
    child: Child,
    public: SocketAddr,
}

impl Program {
    /// Starts it as an operator would. What it says goes to `target/benchmarks/memory.log`.
    pub(crate) fn start(paths: &ConfigPaths, public: SocketAddr) -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/benchmarks");
        std::fs::create_dir_all(&directory).expect("target/ can be written");
        let log = File::create(directory.join("memory.log")).expect("target/ can be written");
        let again = log.try_clone().expect("a file can have two handles");
        let child = Command::new(env!("CARGO_BIN_EXE_bigbrotr"))
            .arg("run")
            .args(paths.arguments())
            .stdout(log)
            .stderr(again)
            .spawn();
        Self {
            child: child.expect("the program was built"),
            public,
        }
    }

    /// A file about the process.
    pub(crate) fn proc_file(&self, name: &str) -> String {
        let path = PathBuf::from(format!("/proc/{}/{name}", self.child.id()));
        std::fs::read_to_string(path).expect("the program runs; target/benchmarks/memory.log tells")
    }

    /// What it says of itself; `None` while it starts.
    pub(crate) fn status(&self) -> Option<Value> {
        #[expect(
            clippy::disallowed_methods,
            reason = "one request on loopback to a program of our own"
        )]
        let mut stream = TcpStream::connect(self.public).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let request = "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        serde_json::from_str(body).ok()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Its data are in a temporary directory; there is nothing to be saved.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
