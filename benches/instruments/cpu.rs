//! CPU time of this process, as Linux counts it per thread.

use std::collections::BTreeMap;
use std::fs;

/// A moment in the CPU time of the process.
pub(crate) struct CpuTime {
    /// Nanoseconds by thread.
    threads: BTreeMap<String, u64>,
}

impl CpuTime {
    pub(crate) fn now() -> Self {
        let tasks = fs::read_dir("/proc/self/task").expect("this is Linux");
        let name = |task: fs::DirEntry| task.file_name().to_string_lossy().into_owned();
        let time = |thread: String| {
            let path = format!("/proc/self/task/{thread}/schedstat");
            let line = fs::read_to_string(path).unwrap_or_default();
            let nanoseconds = line.split(' ').next().and_then(|field| field.parse().ok());
            (thread, nanoseconds.unwrap_or(0))
        };
        Self {
            threads: tasks.flatten().map(name).map(time).collect(),
        }
    }

    /// CPU time of all threads since then, in microseconds. Threads that ended are not counted.
    pub(crate) fn elapsed_us(&self) -> f64 {
        self.since(|_| true)
    }

    /// The same for the threads of one name.
    pub(crate) fn elapsed_in(&self, name: &str) -> f64 {
        self.since(|thread| {
            let path = format!("/proc/self/task/{thread}/comm");
            fs::read_to_string(path).is_ok_and(|comm| comm.trim() == name)
        })
    }

    fn since(&self, is_counted: impl Fn(&str) -> bool) -> f64 {
        let now = Self::now();
        let counted = now.threads.iter().filter(|(thread, _)| is_counted(thread));
        let before = |thread: &String| self.threads.get(thread).copied().unwrap_or(0);
        let spent: u64 = counted.map(|(thread, time)| time - before(thread)).sum();
        spent as f64 / 1_000.0
    }
}
