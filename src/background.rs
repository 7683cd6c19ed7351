//! Threads that give way: for work that must not keep anybody else waiting.
//!
//! They have a lower priority than all others of the process, so a thread that wakes up with something short to do
//! gets a core at once, however much of this is under way. With nothing else to do they are as fast as any.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// How much nicer they are than the others: they get a thirtieth of a core that another thread wants as well. With less
/// (10), Linux lets one that just had the core and wants it again wait for its next tick, four milliseconds; without any
/// share (`SCHED_IDLE`), they would stand still while the archive checks signatures on all cores.
const NICE: i32 = 15;

/// The highest nice value there is.
const LOWEST: i32 = 19;

/// A pool of such threads. What is handed in waits for a free one, and is done even when nobody waits for it any more.
#[derive(Debug)]
pub struct Background(Option<Runtime>);

impl Background {
    /// At most so many threads; they are started when there is work, and end when there is none for a while.
    ///
    /// # Errors
    /// What the system says when it has no room for the pool.
    pub fn new(name: &'static str, threads: usize) -> io::Result<Self> {
        // Of a runtime without workers and drivers all threads are blocking ones.
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(threads)
            .thread_name(name)
            .on_thread_start(give_way)
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Does the work; `None` when it panicked or the process ends.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let done = self.0.as_ref()?.spawn_blocking(work);
        done.await.ok()
    }

    /// Drops something large: giving back what thousands of events took is work as well.
    pub fn drop<T: Send + 'static>(&self, large: T) {
        if let Some(runtime) = &self.0 {
            runtime.spawn_blocking(move || drop(large));
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Waiting for them is not possible where tasks run.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Lowers the priority of the calling thread: what Linux calls a process here is one.
fn give_way() {
    let own = rustix::process::getpriority_process(None).unwrap_or_default();
    // Where it is not allowed, the work is done all the same.
    let _ = rustix::process::setpriority_process(None, (own + NICE).min(LOWEST));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn priority() -> i32 {
        rustix::process::getpriority_process(None).unwrap()
    }

    #[tokio::test]
    async fn its_threads_give_way_and_others_do_not() {
        let background = Background::new("background", 1).unwrap();
        let before = priority();
        let theirs = background.run(priority).await;
        assert_eq!(theirs, Some((before + NICE).min(LOWEST)));
        let others = tokio::task::spawn_blocking(priority).await.unwrap();
        assert_eq!((priority(), others), (before, before));
    }

    #[tokio::test]
    async fn work_that_panics_leaves_the_others_alone() {
        let background = Background::new("background", 1).unwrap();
        let failed: Option<()> = background.run(|| panic!("a test")).await;
        assert_eq!(failed, None);
        assert_eq!(background.run(|| 7).await, Some(7));
    }
}
