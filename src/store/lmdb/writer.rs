//! The one thread that writes.
//!
//! Batches that queue up while a commit is under way share the next one: each caller gets its own
//! report, and all of them one `fsync`. While more is on its way than has come, a commit waits a
//! moment: most index rows of an event go to a page of their own, and the more events a transaction
//! has, the more of them share one.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};

use super::Engine;
use super::arrivals;
use super::arriving::PreparedBatch;
use super::counters::{self, Folded};
use super::fault::Fault;
use super::transaction::{Transaction, commit};
use crate::store::StoreError;
use crate::store::events::{BatchNumber, WriteReport};

/// Jobs that may wait; callers beyond that wait for room.
const QUEUE_LEN: usize = 64;

/// Rows after which a transaction takes no further batch: enough to spread the cost of touched pages
/// over many events, and few enough to keep a commit well under a second.
const GROUP_ROWS: usize = 20_000;

/// How long rows that were announced are waited for; that many may still fail their verification.
const LINGER: Duration = Duration::from_millis(200);

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the thread is asked to do.
pub(super) enum Job {
    Write(PreparedBatch, Answer<WriteReport>),
    TrimArrivals(BatchNumber, u64, Answer<u64>),
    /// Until when, and how many at most.
    SweepExpired(u64, usize, Answer<u64>),
    /// How many commits at most, and the networks of relays that were never counted.
    Fold(u32, HashMap<u32, u8>, Answer<Folded>),
    RestartCounters(Answer<()>),
}

/// The queue to the thread; dropping it lets the thread finish what is queued, and waits for it.
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(engine: Arc<Engine>) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel(QUEUE_LEN);
        let thread = std::thread::Builder::new()
            .name("event-writer".to_owned())
            .spawn(move || run(&engine, queue))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Hands a job over and waits for its answer.
    pub(super) async fn ask<T>(&self, job: impl FnOnce(Answer<T>) -> Job) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        let sent = jobs.send(job(answer)).await;
        sent.map_err(|_| StoreError::Closed)?;
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
        answered.await.map_err(|_| StoreError::Closed)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the event writer panicked");
        }
    }
}

/// Batches of one transaction and who waits for them.
#[derive(Default)]
struct Group {
    batches: Vec<PreparedBatch>,
    answers: Vec<Answer<WriteReport>>,
    rows: usize,
    /// What the last batch said; nothing once somebody waits.
    rows_to_come: usize,
}

fn run(engine: &Engine, mut queue: mpsc::Receiver<Job>) {
    let mut next = queue.blocking_recv();
    while let Some(job) = next {
        next = match job {
            Job::Write(batch, answer) => {
                let mut group = Group::default();
                group.add(batch, answer);
                let after = group.fill(&mut queue);
                group.commit(engine);
                after
            }
            Job::TrimArrivals(batch, before, answer) => {
                reply(answer, trim(engine, batch, before), "trim_arrivals");
                None
            }
            Job::SweepExpired(now, limit, answer) => {
                reply(answer, sweep(engine, now, limit), "sweep_expired");
                None
            }
            Job::Fold(max_commits, networks, answer) => {
                let folded = counters::fold(engine, max_commits, &networks);
                reply(answer, folded, "fold_statistics");
                None
            }
            Job::RestartCounters(answer) => {
                reply(answer, counters::restart(engine), "reconcile_statistics");
                None
            }
        };
        next = next.or_else(|| queue.blocking_recv());
    }
}

impl Group {
    fn add(&mut self, batch: PreparedBatch, answer: Answer<WriteReport>) {
        let is_first = self.batches.is_empty();
        let is_awaited = !is_first && self.rows_to_come == 0;
        self.rows += batch.len();
        self.rows_to_come = if is_awaited { 0 } else { batch.rows_to_come };
        self.batches.push(batch);
        self.answers.push(answer);
    }

    /// Takes the batches that are waiting or come in time. Returns the job that has to come after
    /// them, if any.
    fn fill(&mut self, queue: &mut mpsc::Receiver<Job>) -> Option<Job> {
        let deadline = Instant::now() + LINGER;
        while self.rows < GROUP_ROWS {
            match queue.try_recv() {
                Ok(Job::Write(batch, answer)) => self.add(batch, answer),
                Ok(other) => return Some(other),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {
                    let patience = deadline.saturating_duration_since(Instant::now());
                    if self.rows >= self.rows_to_come || patience.is_zero() {
                        return None;
                    }
                    // `Writer::ask` ends this.
                    std::thread::park_timeout(patience);
                }
            }
        }
        None
    }

    /// One transaction for all; when it fails, one for each, so that nobody fails for another.
    fn commit(self, engine: &Engine) {
        let result = commit(engine, &self.batches);
        if result.is_err() && self.batches.len() > 1 {
            return self.commit_each(engine);
        }
        let mut reports = result.map(Vec::into_iter);
        for answer in self.answers {
            let report = match &mut reports {
                Ok(reports) => Ok(reports.next().expect("there is a report per batch")),
                Err(fault) => Err(std::mem::replace(fault, Fault::Interrupted)),
            };
            reply(answer, report, "write");
        }
    }

    fn commit_each(self, engine: &Engine) {
        for (batch, answer) in self.batches.into_iter().zip(self.answers) {
            let mut alone = Self::default();
            alone.add(batch, answer);
            alone.commit(engine);
        }
    }
}

fn trim(engine: &Engine, batch: BatchNumber, before: u64) -> Result<u64, Fault> {
    let mut txn = engine.env.write_txn()?;
    let trimmed = arrivals::trim(&engine.tables, &mut txn, batch, before)?;
    txn.commit()?;
    Ok(trimmed)
}

fn sweep(engine: &Engine, now: u64, limit: usize) -> Result<u64, Fault> {
    let mut transaction = Transaction::begin(engine, now)?;
    let swept = transaction.sweep_expired(limit)?;
    transaction.finish()?;
    Ok(swept)
}

/// A caller that went away does not hear the answer.
fn reply<T>(answer: Answer<T>, result: Result<T, Fault>, operation: &'static str) {
    let _ = answer.send(result.map_err(|fault| fault.during(operation)));
}
