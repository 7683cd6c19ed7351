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

use super::arrivals;
use super::arriving::PreparedBatch;
use super::counters::{self, Folded};
use super::engine::Engine;
use super::fault::Fault;
use super::indexing::Indexing;
use super::transaction::{Transaction, commit};
use crate::background;
use crate::store::StoreError;
use crate::store::events::{BatchNumber, WriteReport};

/// Jobs that may wait; callers beyond that wait for room.
const QUEUE_LEN: usize = 64;

/// Rows after which a transaction takes no further batch: enough to spread the cost of touched pages
/// over many events, and few enough that those who wait for a commit are never all there are: somebody
/// verifies meanwhile.
const GROUP_ROWS: usize = 8_000;

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
        let Some(thread) = self.thread.take() else {
            return;
        };
        thread.thread().unpark();
        if thread.join().is_err() {
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

fn run(engine: &Engine, queue: mpsc::Receiver<Job>) {
    let mut worker = Worker {
        engine,
        queue,
        indexing: None,
    };
    let mut next = None;
    while let Some(job) = next.take().or_else(|| worker.wait()) {
        next = worker.work(job);
        engine.merge_backlog(false);
        worker.index_some();
    }
}

/// What the thread works with.
struct Worker<'e> {
    engine: &'e Engine,
    queue: mpsc::Receiver<Job>,
    /// The move of the backlog to the tables that is under way.
    indexing: Option<Indexing>,
}

impl Worker<'_> {
    /// The next job, or `None` when there will be none. What is left to be indexed is indexed when none
    /// comes for a while.
    fn wait(&mut self) -> Option<Job> {
        let mut patience = self.engine.deferral.idle;
        while !self.engine.backlogs.is_empty() {
            let job = next_until(&mut self.queue, Instant::now() + patience);
            if job.is_some() {
                return job;
            }
            if !self.index_step() {
                break;
            }
            patience = Duration::ZERO;
        }
        self.queue.blocking_recv()
    }

    /// Does a job. Returns the one that has to come after it, if any came with it.
    fn work(&mut self, job: Job) -> Option<Job> {
        match job {
            Job::Write(batch, answer) => {
                let mut group = Group::default();
                group.add(batch, answer);
                let after = group.fill(&mut self.queue);
                if group.batches.iter().any(PreparedBatch::needs_indexes) {
                    self.index_all();
                }
                group.commit(self.engine);
                return after;
            }
            Job::TrimArrivals(batch, before, answer) => {
                self.index_all();
                reply(answer, trim(self.engine, batch, before), "trim_arrivals");
            }
            Job::SweepExpired(now, limit, answer) => {
                self.index_all();
                reply(answer, sweep(self.engine, now, limit), "sweep_expired");
            }
            // Who counts looks for an author's first and last event in the indexes.
            Job::Fold(max_commits, networks, answer) => {
                self.index_all();
                let folded = counters::fold(self.engine, max_commits, &networks);
                reply(answer, folded, "fold_statistics");
            }
            Job::RestartCounters(answer) => {
                self.index_all();
                reply(
                    answer,
                    counters::restart(self.engine),
                    "reconcile_statistics",
                );
            }
        }
        None
    }

    /// Goes on indexing when there is enough to index, at the pace at which more comes, and until it is done at
    /// most. So nobody waits long for a commit.
    fn index_some(&mut self) {
        while self.is_indexing_due() && self.index_step() && self.indexing.is_some() {}
    }

    fn is_indexing_due(&self) -> bool {
        let fill = self.engine.fill();
        match &self.indexing {
            Some(indexing) => indexing.is_due(fill),
            None => fill >= 1.0,
        }
    }

    /// Indexes all that waits. Should it fail, whoever needs it indexes in one transaction of its own.
    fn index_all(&mut self) {
        while !self.engine.backlogs.is_empty() && self.index_step() {}
    }

    /// One step. Returns whether it succeeded: if not, what waits goes on waiting, and is seen.
    fn index_step(&mut self) -> bool {
        let since = Instant::now();
        let step = self.try_index_step();
        // There may be a hundred steps, and perhaps only one core.
        background::leave_time(since.elapsed());
        if let Err(fault) = step {
            let error = fault.during("index");
            tracing::warn!(reason = error.reason(), %error, "events wait to be indexed");
            self.indexing = None;
            return false;
        }
        true
    }

    fn try_index_step(&mut self) -> Result<(), Fault> {
        if self.indexing.is_none() {
            self.indexing = Indexing::begin(self.engine)?;
        }
        let Some(indexing) = &mut self.indexing else {
            return Ok(());
        };
        if indexing.step(self.engine)? {
            self.indexing = None;
        }
        Ok(())
    }
}

/// Waits for a job until a moment; [`Writer::ask`] and dropping the writer end that early.
fn next_until(queue: &mut mpsc::Receiver<Job>, deadline: Instant) -> Option<Job> {
    loop {
        match queue.try_recv() {
            Ok(job) => return Some(job),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => {
                let patience = deadline.saturating_duration_since(Instant::now());
                if patience.is_zero() {
                    return None;
                }
                std::thread::park_timeout(patience);
            }
        }
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
        let now = Instant::now();
        while self.rows < GROUP_ROWS {
            let is_patient = self.rows < self.rows_to_come;
            let deadline = if is_patient { now + LINGER } else { now };
            match next_until(queue, deadline)? {
                Job::Write(batch, answer) => self.add(batch, answer),
                other => return Some(other),
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
    let mut transaction = Transaction::begin(engine, 0)?;
    // The log is what tells which events are not indexed.
    transaction.index_backlog()?;
    let trimmed = arrivals::trim(&engine.tables, &mut transaction.txn, batch, before)?;
    transaction.finish()?;
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
