//! Threads that give way: for work that must not keep anybody else waiting.
//!
//! Linux runs them where no other thread wants the core (`SCHED_IDLE`), and takes it away from them at once: a thread that is
//! only nice may keep it until the next tick, four milliseconds, when another wakes up with something short to do. With
//! nothing else to do they are as fast as any. Whoever keeps all cores busy for long leaves them a part of the time
//! ([`leave_time`]); otherwise they would stand still.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// What part of its own time a thread leaves to them that keeps a core busy: an eighth.
const SHARE: u32 = 8;

/// Work of all pools that was handed in and is not done.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// Leaves the core to such threads for a while, if any has work. To be called between pieces of work on all cores; `worked` is
/// how long the last one took.
pub fn leave_time(worked: Duration) {
    if UNDER_WAY.load(Ordering::Relaxed) > 0 {
        std::thread::sleep(worked / SHARE);
    }
}

/// Counts for as long as it is there.
#[derive(Debug)]
struct UnderWay;

impl UnderWay {
    fn begin() -> Self {
        UNDER_WAY.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A pool of such threads. What is handed in waits for a free one, and is done even when nobody waits for it any more.
#[derive(Debug)]
pub struct Background(Option<Runtime>);

impl Background {
    /// At most so many threads; they are started when there is work, and end when there is none for a while.
    ///
    /// # Errors
    /// What the system says when it has no room for the pool.
    pub fn new(name: &'static str, threads: usize) -> io::Result<Self> {
        Self::of_threads(name, threads, give_way)
    }

    /// The same of threads that get a tenth of a core that others want: for work that makes room for others.
    ///
    /// # Errors
    /// What the system says when it has no room for the pool.
    pub fn with_share(name: &'static str, threads: usize) -> io::Result<Self> {
        Self::of_threads(name, threads, be_modest)
    }

    fn of_threads(
        name: &'static str,
        threads: usize,
        at_start: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Self> {
        // Of a runtime without workers and drivers all threads are blocking ones.
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(threads)
            .thread_name(name)
            .on_thread_start(at_start)
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Begins work that nobody waits for.
    pub fn start(&self, work: impl FnOnce() + Send + 'static) {
        if let Some(runtime) = &self.0 {
            let under_way = UnderWay::begin();
            runtime.spawn_blocking(move || {
                let _under_way = under_way;
                work();
            });
        }
    }

    /// Does the work; `None` when it panicked or the process ends.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let under_way = UnderWay::begin();
        let done = self.0.as_ref()?.spawn_blocking(move || {
            let _under_way = under_way;
            work()
        });
        done.await.ok()
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

/// How nice threads with a share are: of two that want a core, the other one gets nine times as much.
const NICENESS: i32 = 10;

/// Leaves the calling thread a share. Where that is not allowed, the work is done all the same.
#[cfg(target_os = "linux")]
fn be_modest() {
    // Of this thread alone: what Linux calls a process here is one.
    let _ = rustix::process::setpriority_process(None, NICENESS);
}

/// Elsewhere it would be the priority of all threads.
#[cfg(not(target_os = "linux"))]
fn be_modest() {}

/// Lowers the priority of the calling thread: what Linux calls a process here is one.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "a system call that no library wraps")]
fn give_way() {
    let nothing_more = libc::sched_param { sched_priority: 0 };
    // SAFETY: it reads one struct, which outlives the call. Where it is not allowed, the work is done all the same.
    let _ = unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const nothing_more) };
}

/// Lowers the priority of the calling thread as far as that is known to work here: not at all.
#[cfg(not(target_os = "linux"))]
fn give_way() {}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// How the system schedules the calling thread: the 41st number of `stat` in `/proc`, of which two come before the
    /// name's parenthesis.
    fn policy() -> i32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let behind_name = stat.rsplit(')').next().unwrap();
        let policy = behind_name.split_whitespace().nth(38).unwrap();
        policy.parse().unwrap()
    }

    #[tokio::test]
    async fn its_threads_give_way_and_others_do_not() {
        let background = Background::new("background", 1).unwrap();
        assert_eq!(background.run(policy).await, Some(libc::SCHED_IDLE));
        let others = tokio::task::spawn_blocking(policy).await.unwrap();
        assert_eq!((policy(), others), (libc::SCHED_OTHER, libc::SCHED_OTHER));
    }

    #[tokio::test]
    async fn threads_with_a_share_are_nice_and_others_are_not() {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let (before, background) = (niceness(), Background::with_share("background", 1));
        let background = background.unwrap();
        // Nobody may become less nice than they are.
        let expected = before.max(NICENESS);
        assert_eq!(background.run(niceness).await, Some(expected));
        let (sender, receiver) = tokio::sync::oneshot::channel();
        background.start(move || sender.send(niceness()).unwrap());
        assert_eq!(receiver.await, Ok(expected));
        assert_eq!(niceness(), before);
    }

    #[tokio::test]
    async fn whoever_keeps_cores_busy_leaves_time_while_there_is_work_and_only_then() {
        let background = Background::new("background", 1).unwrap();
        let worked = SHARE * Duration::from_millis(20);
        let left = move || {
            let since = Instant::now();
            leave_time(worked);
            since.elapsed()
        };
        let under_way = background.run(left).await.unwrap();
        assert!(under_way >= Duration::from_millis(20), "{under_way:?}");
        // Tests that run in this process at the same time may have work, too.
        while left() >= Duration::from_millis(20) {}
    }

    #[tokio::test]
    async fn work_that_panics_leaves_the_others_alone() {
        let background = Background::new("background", 1).unwrap();
        let failed: Option<()> = background.run(|| panic!("a test")).await;
        assert_eq!(failed, None);
        assert_eq!(background.run(|| 7).await, Some(7));
    }
}
