//! A person with a folder, a shell and `bigbrotr`.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};

use tempfile::TempDir;

use crate::program::{self, Program};

/// A folder to work in, and an address of the machine that nobody else listens on.
pub(crate) struct Operator {
    directory: TempDir,
    host: Ipv4Addr,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Operator {
    /// Somebody with an empty folder.
    pub(crate) fn bare() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            host: host(),
        }
    }

    /// Somebody who keeps `bigbrotr` away from the internet and listens on that address.
    pub(crate) fn offline() -> Self {
        let operator = Self::bare();
        operator.write("seeds.txt", "wss://relay.example.com\nnonsense\n");
        operator.write(
            "config/services/seeder.yaml",
            "seed: {file_path: seeds.txt}\n",
        );
        operator.write("config/services/finder.yaml", "api: {enabled: false}\n");
        operator.write_brotr("");
        operator.write_relay("");
        operator
    }

    /// Writes `brotr.yaml` with more than what keeps it offline.
    pub(crate) fn write_brotr(&self, more: &str) {
        let host = self.host;
        let offline = format!(
            "networks: {{clearnet: {{enabled: false}}}}\nmetrics: {{host: {host}}}\n{more}"
        );
        self.write("config/brotr.yaml", &offline);
    }

    /// Writes `relay.yaml` with more than the address.
    pub(crate) fn write_relay(&self, more: &str) {
        let listen = self.public_address();
        self.write(
            "relay-config/relay.yaml",
            format!("listen: {listen}\n{more}"),
        );
    }

    /// Where relay and page are served.
    pub(crate) fn public_address(&self) -> SocketAddr {
        SocketAddr::from((self.host, 7777))
    }

    /// Where metrics are served.
    pub(crate) fn metrics_address(&self) -> SocketAddr {
        SocketAddr::from((self.host, 8000))
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        self.directory.path()
    }

    /// A place in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    /// Reads a file.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        program::run(self.folder(), arguments).into()
    }

    /// Runs a command and expects it to be done.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran.out
    }

    /// Runs a command with variables in its environment.
    pub(crate) fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        command.output().unwrap().into()
    }

    /// Runs a command that reads this from its standard input.
    pub(crate) fn run_reading(&self, input: &Path, arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        command.stdin(Stdio::from(fs::File::open(input).unwrap()));
        command.output().unwrap().into()
    }

    /// A command in the folder, not started yet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program::command(arguments);
        command.current_dir(self.folder());
        command
    }

    /// Starts a command that runs until it is told to stop.
    pub(crate) fn start(&self, arguments: &[&str]) -> Program {
        Program::start(self.folder(), arguments)
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// What `import` says became of the lines: `  1,234  stored` is `stored` → 1234.
    pub(crate) fn account(&self) -> BTreeMap<String, u64> {
        let rows = self.out.lines().map(|line| {
            let (count, what) = line.trim().split_once(' ').unwrap();
            let count = count.replace(',', "").parse().unwrap();
            (what.trim().to_owned(), count)
        });
        rows.collect()
    }

    /// Expects a refusal with that code, and gives what was said about it.
    pub(crate) fn refused(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        self.err
    }
}

/// Every address of 127.0.0.0/8 is this machine, so each operator has the usual ports to itself.
fn host() -> Ipv4Addr {
    static OPERATORS: AtomicU8 = AtomicU8::new(0);
    let number = OPERATORS.fetch_add(1, Ordering::Relaxed) % 64;
    let [.., high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 64 + number, high, low)
}
