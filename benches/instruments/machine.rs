//! What the figures were measured on, in one line.

use std::fs;
use std::process::Command;

/// E.g. `2 cores of AMD EPYC, Linux 6.18.44, rustc 1.95.0, load 0.31`. The load is that of the last
/// minute: when it is high before anything was measured, somebody else was at work.
pub(crate) fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{cores} cores of {}, Linux {}, {}, load {}",
        cpu_model(),
        read("/proc/sys/kernel/osrelease").trim(),
        compiler(),
        read("/proc/loadavg").split(' ').next().unwrap_or_default(),
    )
}

fn cpu_model() -> String {
    let cpus = read("/proc/cpuinfo");
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.and_then(|rest| rest.split_once(':'));
    model.map_or("an unknown CPU".to_owned(), |(_, name)| {
        name.trim().to_owned()
    })
}

fn compiler() -> String {
    let version = Command::new("rustc").arg("--version").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let words = version.unwrap_or_default();
    let words: Vec<&str> = words.split(' ').take(2).collect();
    words.join(" ")
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
