//! Threads that give way: for work that must not keep anybody else waiting.
//!
//! Linux runs them where no other thread wants the core (`SCHED_IDLE`), and takes it away from them at once: a thread that is
//! only nice may keep it until the next tick, four milliseconds, when another wakes up with something short to do. With
//! nothing else to do they are as fast as any. Whoever keeps all cores busy for long leaves them a part of the time
//! ([`leave_time`]); otherwise they would stand still. Other programs leave nothing: while they keep all cores busy, threads that
//! are only nice do the work.

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

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
pub struct Background {
    threads: Option<Runtime>,
    /// What does the work while others leave `threads` next to nothing. Once a thread gives way, it may not be given a share
    /// again.
    substitutes: Option<Runtime>,
    hunger: Arc<Hunger>,
}

impl Background {
    /// At most so many threads; they are started when there is work, and end when there is none for a while.
    ///
    /// # Errors
    /// What the system says when it has no room for the pool.
    pub fn new(name: &'static str, threads: usize) -> io::Result<Self> {
        Ok(Self {
            threads: Some(runtime(name, threads, give_way)?),
            substitutes: Some(runtime(name, threads, be_modest)?),
            hunger: Arc::default(),
        })
    }

    /// The same of threads that get a tenth of a core that others want: for work that makes room for others.
    ///
    /// # Errors
    /// What the system says when it has no room for the pool.
    pub fn with_share(name: &'static str, threads: usize) -> io::Result<Self> {
        Ok(Self {
            threads: Some(runtime(name, threads, be_modest)?),
            substitutes: None,
            hunger: Arc::default(),
        })
    }

    /// Begins work that nobody waits for.
    pub fn start(&self, work: impl FnOnce() + Send + 'static) {
        if let Some(threads) = self.threads_at_work() {
            threads.spawn_blocking(self.watched(work));
        }
    }

    /// Does the work; `None` when it panicked or the process ends.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let done = self.threads_at_work()?.spawn_blocking(self.watched(work));
        done.await.ok()
    }

    fn threads_at_work(&self) -> Option<&Runtime> {
        let substitutes = self.substitutes.as_ref();
        let substitutes = substitutes.filter(|_| self.hunger.lasts());
        substitutes.or(self.threads.as_ref())
    }

    /// The same work, which counts until it is done, and tells whether it was kept waiting.
    fn watched<T, W: FnOnce() -> T>(&self, work: W) -> impl FnOnce() -> T + use<T, W> {
        let (under_way, hunger) = (UnderWay::begin(), Arc::clone(&self.hunger));
        move || {
            let _under_way = under_way;
            let before = Turns::of_thread();
            let done = work();
            hunger.note(before, Turns::of_thread());
            done
        }
    }
}

/// Of a runtime without workers and drivers all threads are blocking ones.
fn runtime(
    name: &'static str,
    threads: usize,
    at_start: impl Fn() + Send + Sync + 'static,
) -> io::Result<Runtime> {
    Builder::new_current_thread()
        .max_blocking_threads(threads)
        .thread_name(name)
        .on_thread_start(at_start)
        .build()
}

impl Drop for Background {
    fn drop(&mut self) {
        // Waiting for them is not possible where tasks run.
        let runtimes = [self.threads.take(), self.substitutes.take()];
        for runtime in runtimes.into_iter().flatten() {
            runtime.shutdown_background();
        }
    }
}

/// What a thread got, and how long it waited for it, since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Turns {
    ran: Duration,
    waited: Duration,
}

impl Turns {
    /// Those of the calling thread, where Linux tells.
    fn of_thread() -> Option<Self> {
        Self::parse(&std::fs::read_to_string("/proc/thread-self/schedstat").ok()?)
    }

    /// Reads what `/proc` says: nanoseconds on a core, nanoseconds that it waited for one, and how often it had one.
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split_whitespace().map(str::parse);
        let mut next = || Some(Duration::from_nanos(fields.next()?.ok()?));
        Some(Self {
            ran: next()?,
            waited: next()?,
        })
    }
}

/// Whether threads that give way get next to nothing, because other programs keep all cores busy.
#[derive(Debug, Default)]
struct Hunger {
    /// When it is tried again whether they do, in milliseconds since the process asked first.
    until: AtomicU64,
}

impl Hunger {
    /// Work that waited for less was not kept waiting, whatever it got.
    const PATIENCE: Duration = Duration::from_millis(100);

    /// It waited so many times as long as it ran. What is left by those that call [`leave_time`] is more.
    const WAITED_PER_RUN: u32 = 12;

    /// How long others do the work then.
    const LASTS: Duration = Duration::from_secs(60);

    fn note(&self, before: Option<Turns>, after: Option<Turns>) {
        let (Some(before), Some(after)) = (before, after) else {
            return;
        };
        let ran = after.ran.saturating_sub(before.ran);
        let waited = after.waited.saturating_sub(before.waited);
        if waited > Self::PATIENCE && waited > ran * Self::WAITED_PER_RUN {
            let until = uptime() + Self::LASTS;
            self.until
                .store(until.as_millis() as u64, Ordering::Relaxed);
        }
    }

    fn lasts(&self) -> bool {
        uptime().as_millis() < u128::from(self.until.load(Ordering::Relaxed))
    }
}

/// How long ago the process asked first.
fn uptime() -> Duration {
    static SINCE: LazyLock<Instant> = LazyLock::new(Instant::now);
    SINCE.elapsed()
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

    #[test]
    fn turns_are_read() {
        let turns = Turns::parse("38140000 1200 45\n").unwrap();
        assert_eq!(turns.ran, Duration::from_micros(38_140));
        assert_eq!(turns.waited, Duration::from_nanos(1_200));
        for text in ["", "1", "1 -", "a 1 1"] {
            assert_eq!(Turns::parse(text), None, "{text}");
        }
        let before = Turns::of_thread().unwrap();
        while Turns::of_thread().unwrap().ran == before.ran {}
    }

    #[test]
    fn only_who_waits_long_for_little_is_hungry() {
        let is_hungry = |ran, waited| {
            let hunger = Hunger::default();
            let after = Turns {
                ran: Duration::from_millis(ran),
                waited: Duration::from_millis(waited),
            };
            hunger.note(Some(Turns::default()), Some(after));
            hunger.lasts()
        };
        assert!(is_hungry(10, 121));
        assert!(!is_hungry(10, 120));
        assert!(!is_hungry(1, 100));
        assert!(!is_hungry(100, 0));
    }

    #[tokio::test]
    async fn threads_with_a_share_do_the_work_while_others_keep_all_cores_busy() {
        let background = Background::new("background", 1).unwrap();
        let is_over = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let cores = std::thread::available_parallelism().unwrap().get();
        let hogs = (0..cores).map(|_| {
            let is_over = Arc::clone(&is_over);
            let work = move || while !is_over.load(Ordering::Relaxed) {};
            std::thread::Builder::new().spawn(work).unwrap()
        });
        let hogs: Vec<_> = hogs.collect();
        // Others may leave it a core for a while, but not for long.
        let deadline = Instant::now() + Duration::from_secs(60);
        while background.run(policy).await != Some(libc::SCHED_OTHER) {
            assert!(Instant::now() < deadline, "it was left time");
            let work = || {
                let since = Instant::now();
                while since.elapsed() < Duration::from_millis(300) {}
            };
            background.run(work).await.unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        hogs.into_iter().for_each(|hog| hog.join().unwrap());
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let expected = niceness().max(NICENESS);
        assert_eq!(background.run(niceness).await, Some(expected));
    }

    #[tokio::test]
    async fn work_that_panics_leaves_the_others_alone() {
        let background = Background::new("background", 1).unwrap();
        let failed: Option<()> = background.run(|| panic!("a test")).await;
        assert_eq!(failed, None);
        assert_eq!(background.run(|| 7).await, Some(7));
    }
}
