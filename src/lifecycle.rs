//! Start and stop: two tokens, one tracker, signals, and the exit code.
//!
//! The *soft* token means: take no new work and finish what you hold. The *hard* one means: drop it.
//! A first signal trips the soft token; a second one, or the end of the grace period, trips the hard
//! one. A long-lived task that ends unasked, or panics, trips the soft token, and the process exits
//! non-zero. This is the one home of `tokio::spawn`.

use std::fmt::Display;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

/// Time that running work gets to finish. Compose and systemd kill after 60 and 90 s.
pub const GRACE: Duration = Duration::from_secs(45);

/// Time that dropped tasks get to disappear once the hard token is cancelled.
const HARD_STOP: Duration = Duration::from_secs(5);

/// How the process ends; the contract's exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or stopped by a signal after a clean shutdown.
    Done,
    /// A cycle failed, a service gave up, or work had to be dropped.
    Failed,
    /// Configuration or usage is wrong.
    Usage,
    /// A second signal cut the shutdown short.
    Interrupted,
}

impl Exit {
    /// The exit code: 0, 1, 2 or 130.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Interrupted => 130,
        }
    }
}

/// The two tokens, as every unit of work gets them.
#[derive(Debug, Clone, Default)]
pub struct Tokens {
    soft: CancellationToken,
    hard: CancellationToken,
}

impl Tokens {
    /// Tokens that nobody has cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tokens for a part of the work, which can be stopped without the rest; they follow these.
    pub fn child(&self) -> Self {
        Self {
            soft: self.soft.child_token(),
            hard: self.hard.child_token(),
        }
    }

    /// The soft token itself, for code that waits on one.
    pub fn soft(&self) -> CancellationToken {
        self.soft.clone()
    }

    /// Whether no new work should be taken.
    pub fn is_stopping(&self) -> bool {
        self.soft.is_cancelled()
    }

    /// Whether work should be dropped.
    pub fn is_hard_stopping(&self) -> bool {
        self.hard.is_cancelled()
    }

    /// Waits until no new work should be taken. Cancel-safe.
    pub async fn soft_stop(&self) {
        self.soft.cancelled().await;
    }

    /// Waits until work should be dropped. Cancel-safe.
    pub async fn hard_stop(&self) {
        self.hard.cancelled().await;
    }

    /// Asks everybody to finish.
    pub fn stop(&self) {
        self.soft.cancel();
    }

    /// Tells everybody to drop what they hold.
    pub fn stop_hard(&self) {
        self.soft.cancel();
        self.hard.cancel();
    }
}

/// Where tasks are started and counted. Clones share everything.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tokens: Tokens,
    tracker: TaskTracker,
    has_failed: Arc<AtomicBool>,
}

impl Tasks {
    /// Starts a long-lived task. It has to end only after the soft token: one that ends before, fails
    /// or panics stops the process with exit code 1. It is dropped when the hard token is cancelled.
    pub fn spawn<E: Display>(
        &self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let tasks = self.clone();
        let task = Box::pin(task);
        self.start(async move {
            let Some(end) = tasks.watch(name, task).await else {
                return;
            };
            match end {
                Ok(()) if tasks.tokens.is_stopping() => return,
                Ok(()) => error!(task = name, "task_ended_unasked"),
                Err(failure) => error!(task = name, error = %failure, "task_failed"),
            }
            tasks.fail();
        });
    }

    /// Starts a task that may end whenever it likes, such as a client's connection. A panic still stops
    /// the process with exit code 1. It is dropped when the hard token is cancelled.
    pub fn spawn_short(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let tasks = self.clone();
        let task = Box::pin(task);
        self.start(async move {
            tasks.watch(name, task).await;
        });
    }

    /// Makes a future count as a task of this process though something else runs it: waited for at
    /// the end, dropped when the hard token is cancelled, its panic an exit code of 1.
    pub fn track<F>(&self, name: &'static str, task: F) -> impl Future<Output = ()> + Send + use<F>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let tasks = self.clone();
        // What is wrapped in further futures has its place in each of them; a pointer has a small one.
        let task = Box::pin(task);
        self.tracker.track_future(async move {
            tasks.watch(name, task).await;
        })
    }

    /// The tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The task's own end; `None` when it panicked or was dropped.
    async fn watch<T>(&self, name: &'static str, task: impl Future<Output = T>) -> Option<T> {
        let caught = AssertUnwindSafe(task).catch_unwind();
        tokio::select! {
            end = caught => match end {
                Ok(end) => Some(end),
                Err(_) => {
                    error!(task = name, "task_panicked");
                    self.fail();
                    None
                }
            },
            () = self.tokens.hard_stop() => None,
        }
    }

    fn fail(&self) {
        self.has_failed.store(true, Ordering::SeqCst);
        self.tokens.stop();
    }

    fn start(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(task);
    }
}

/// The life of the process, from the first task to the exit code.
#[derive(Debug)]
pub struct Lifecycle {
    tasks: Tasks,
    grace: Duration,
    signals: Signals,
}

/// Who asked for the end.
enum Cause {
    Done(Result<(), String>),
    Signal,
    Task,
}

impl Lifecycle {
    /// A process whose running work gets `grace` to finish. From now on a signal no longer ends it at
    /// once, also while it is still starting: [`Lifecycle::run`] finds the signal waiting.
    ///
    /// # Errors
    /// When signal handlers cannot be installed.
    pub fn new(grace: Duration) -> std::io::Result<Self> {
        Ok(Self {
            tasks: Tasks::default(),
            grace,
            signals: Signals::new()?,
        })
    }

    /// The handle for starting tasks.
    pub fn tasks(&self) -> Tasks {
        self.tasks.clone()
    }

    /// Runs `work` until it ends, a signal arrives or a task fails; then lets everything finish.
    ///
    /// `work` is a single pass of the pipeline, or for ever [`Tokens::soft_stop`]. It is polled until
    /// it ends or the hard token drops it.
    pub async fn run<E: Display>(mut self, work: impl Future<Output = Result<(), E>>) -> Exit {
        let tokens = self.tasks.tokens.clone();
        let work = work.map(|end| end.map_err(|failure| failure.to_string()));
        tokio::pin!(work);
        let cause = tokio::select! {
            end = &mut work => Cause::Done(end),
            name = self.signals.next() => {
                info!(signal = name, "shutdown_signal");
                Cause::Signal
            }
            () = tokens.soft_stop() => Cause::Task,
        };
        tokens.stop();
        self.tasks.tracker.close();
        let rest = async {
            let end = match cause {
                Cause::Done(end) => end,
                Cause::Signal | Cause::Task => work.await,
            };
            self.tasks.tracker.wait().await;
            end
        };
        let exit = tokio::select! {
            end = rest => self.exit_of(end),
            _ = self.signals.next() => {
                warn!("interrupted");
                Exit::Interrupted
            }
            () = tokio::time::sleep(self.grace) => {
                warn!(grace_s = self.grace.as_secs(), "grace_period_over");
                Exit::Failed
            }
        };
        self.drop_the_rest(exit).await;
        exit
    }

    fn exit_of(&self, end: Result<(), String>) -> Exit {
        if let Err(failure) = &end {
            error!(error = %failure, "run_failed");
        }
        if end.is_ok() && !self.tasks.has_failed.load(Ordering::SeqCst) {
            Exit::Done
        } else {
            Exit::Failed
        }
    }

    async fn drop_the_rest(&self, exit: Exit) {
        self.tasks.tokens.stop_hard();
        let all_gone = tokio::time::timeout(HARD_STOP, self.tasks.tracker.wait());
        if all_gone.await.is_err() && exit != Exit::Interrupted {
            warn!(count = self.tasks.tracker.len(), "tasks_left_behind");
        }
    }
}

#[derive(Debug)]
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const NO_GRACE: Duration = Duration::from_millis(20);

    async fn until_stopped(tokens: Tokens) -> Result<(), Infallible> {
        tokens.soft_stop().await;
        Ok(())
    }

    #[tokio::test]
    async fn work_that_ends_stops_the_tasks_cleanly() {
        let lifecycle = Lifecycle::new(GRACE).unwrap();
        let tasks = lifecycle.tasks();
        tasks.spawn("server", until_stopped(tasks.tokens().clone()));
        let exit = lifecycle.run(async { Ok::<_, Infallible>(()) }).await;
        assert_eq!(exit, Exit::Done);
    }

    #[tokio::test]
    async fn work_that_fails_is_exit_code_1() {
        let lifecycle = Lifecycle::new(GRACE).unwrap();
        let exit = lifecycle.run(async { Err("no") }).await;
        assert_eq!(exit.code(), 1);
    }

    #[tokio::test]
    async fn a_task_that_ends_unasked_fails_or_panics_stops_the_process() {
        for case in 0..3 {
            let lifecycle = Lifecycle::new(GRACE).unwrap();
            let tasks = lifecycle.tasks();
            tasks.spawn("broken", async move {
                match case {
                    0 => Ok(()),
                    1 => Err("lost the database"),
                    _ => panic!("expected in this test"),
                }
            });
            let exit = lifecycle.run(until_stopped(tasks.tokens().clone())).await;
            assert_eq!(exit, Exit::Failed, "case {case}");
        }
    }

    #[tokio::test]
    async fn a_short_task_may_end() {
        let lifecycle = Lifecycle::new(GRACE).unwrap();
        let tasks = lifecycle.tasks();
        let (sender, receiver) = tokio::sync::oneshot::channel();
        tasks.spawn_short("connection", async move { sender.send(()).unwrap() });
        let exit = lifecycle.run(receiver).await;
        assert_eq!(exit, Exit::Done);
    }

    #[tokio::test]
    async fn work_beyond_the_grace_period_is_dropped() {
        let lifecycle = Lifecycle::new(NO_GRACE).unwrap();
        let tasks = lifecycle.tasks();
        tasks.spawn("stuck", std::future::pending::<Result<(), Infallible>>());
        let exit = lifecycle.run(async { Ok::<_, Infallible>(()) }).await;
        assert_eq!(exit, Exit::Failed);
        assert!(tasks.tracker.is_empty());
        assert!(tasks.tokens().is_hard_stopping());
    }
}
