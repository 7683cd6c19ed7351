//! The built binary, started as an operator would.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long the program may take for anything that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A running `bigbrotr`; killed when dropped.
pub(crate) struct Program {
    child: Child,
    said: Arc<Mutex<String>>,
    listener: Option<JoinHandle<()>>,
}

/// `bigbrotr` with these arguments, in an empty environment.
pub(crate) fn command<Text: AsRef<std::ffi::OsStr>>(
    arguments: impl IntoIterator<Item = Text>,
) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bigbrotr"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

/// Runs `bigbrotr` in `directory` to its end.
pub(crate) fn run<Text: AsRef<std::ffi::OsStr>>(
    directory: &Path,
    arguments: impl IntoIterator<Item = Text>,
) -> Output {
    command(arguments).current_dir(directory).output().unwrap()
}

impl Program {
    /// Starts `bigbrotr` in `directory`.
    pub(crate) fn start<Text: AsRef<std::ffi::OsStr>>(
        directory: &Path,
        arguments: impl IntoIterator<Item = Text>,
    ) -> Self {
        let mut command = command(arguments);
        command.current_dir(directory);
        Self::spawn(command)
    }

    /// Starts a command that was prepared.
    pub(crate) fn spawn(mut command: Command) -> Self {
        command.stderr(Stdio::piped());
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&said);
        let listener = std::thread::Builder::new().spawn(move || listen(stderr, &heard));
        Self {
            child,
            said,
            listener: Some(listener.unwrap()),
        }
    }

    /// Memory of its own, in kB.
    pub(crate) fn memory_kb(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"));
        let number = line.unwrap().split_whitespace().next();
        number.unwrap().parse().unwrap()
    }

    /// Everything that it wrote to standard error so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// The first address behind a word of the banner, e.g. `relay` → `ws://127.0.0.1:41234`.
    pub(crate) fn address(&mut self, word: &str) -> String {
        self.wait_for(&format!("the address of the {word}"), |said| {
            let mut lines = said.lines().map(str::split_whitespace);
            lines.find_map(|mut words| {
                let is_it = words.next() == Some(word);
                words.next().filter(|_| is_it).map(str::to_owned)
            })
        })
    }

    /// Waits until what it said contains something.
    pub(crate) fn wait_for<T>(&mut self, what: &str, found: impl Fn(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ended = self.child.try_wait().unwrap();
            let said = self.said();
            if let Some(found) = found(&said) {
                return found;
            }
            assert!(ended.is_none(), "ended before {what}:\n{said}");
            assert!(Instant::now() < deadline, "no sign of {what}:\n{said}");
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Asks it to stop, as `kill` and service managers do, and waits until it has.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &process]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits until it has ended and everything that it said was heard.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                let listener = self.listener.take();
                listener.map(JoinHandle::join).transpose().unwrap();
                return status;
            }
            assert!(Instant::now() < deadline, "still runs:\n{}", self.said());
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(stderr: impl Read, said: &Mutex<String>) {
    for line in BufReader::new(stderr).lines() {
        let Ok(line) = line else { return };
        let mut said = said.lock().unwrap();
        said.push_str(&line);
        said.push('\n');
    }
}
