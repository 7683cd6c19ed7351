//! What other processes take while something is measured.

use std::fs;
use std::time::Instant;

/// `USER_HZ`, which is the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;
/// Columns of `/proc/stat` in which nobody works: idle, and waiting for a disk.
const IDLE_COLUMNS: [usize; 2] = [3, 4];
/// Columns before those that are counted in others already.
const COLUMNS: usize = 8;

/// A moment in the CPU time of the whole machine.
pub(crate) struct Others {
    busy_seconds: f64,
    at: Instant,
}

impl Others {
    pub(crate) fn now() -> Self {
        Self {
            busy_seconds: busy_seconds(),
            at: Instant::now(),
        }
    }

    /// How many cores were left for us since then, on average, when we used so much CPU time.
    pub(crate) fn cores_left(&self, own_cpu_us: f64) -> f64 {
        let seconds = self.at.elapsed().as_secs_f64();
        let others = busy_seconds() - self.busy_seconds - own_cpu_us / 1e6;
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        cores - (others / seconds).clamp(0.0, cores)
    }
}

/// CPU time of all processes so far, what a hypervisor took away included.
fn busy_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/stat").expect("this is Linux");
    let line = stat.lines().next().unwrap_or_default();
    let ticks = line.split_whitespace().skip(1).take(COLUMNS).enumerate();
    let busy = ticks.filter(|(column, _)| !IDLE_COLUMNS.contains(column));
    let ticks: f64 = busy.flat_map(|(_, ticks)| ticks.parse::<f64>()).sum();
    ticks / TICKS_PER_SECOND
}
