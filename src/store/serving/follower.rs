//! Feeding an index from its archive.

use std::sync::Arc;
use std::time::Duration;

use nips::{Event, Filter, nip70};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::position::{Load, Position, PositionFile};
use super::replica::{Replica, ReplicaReader};
use super::{Ordering, ServingIndex};
use crate::store::events::{
    ArrivalBatch, BatchNumber, EventBatch, EventKey, IfDeleted, IfProtected, NewEvent, ScanCursor,
    ScanOrder, ScanPage, Scope,
};
use crate::store::{EventStore as _, StoreError};

/// Events read from the archive and written to the index in one step.
const STEP_EVENTS: usize = 5_000;

/// Pause after a failure; the archive may be away.
const PAUSE: Duration = Duration::from_secs(2);

/// Between two notes of the position on disk, and between two lines about the load.
const NOTE_EVERY: Duration = Duration::from_secs(1);
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// Between two clean-ups of the index.
const CLEAN_EVERY: Duration = Duration::from_secs(60);
/// Expired events taken out of the index at once.
const SWEEP_EVENTS: usize = 10_000;

/// The newest batch of the archive, and the oldest that its log has.
type Bounds = (BatchNumber, BatchNumber);

/// Where the feeding is.
pub(super) struct Follower {
    file: PositionFile,
    position: Position,
    replica: Option<ReplicaReader>,
    noted_at: Option<Instant>,
    reported_at: Option<Instant>,
    cleaned_at: Option<Instant>,
}

/// What a step came to.
enum Step {
    /// There may be more.
    More,
    /// The index has everything.
    UpToDate,
}

impl Follower {
    /// Goes on from a position, or begins: also when the log no longer reaches back to it.
    pub(super) async fn begin(
        file: PositionFile,
        replica: Option<Arc<dyn Replica>>,
        position: Option<Position>,
        bounds: Bounds,
    ) -> Self {
        let mut replica = replica.map(ReplicaReader::new);
        let position = match position.filter(|position| is_reached(position.batch, bounds)) {
            Some(position) => position,
            None => start(replica.as_mut(), bounds).await,
        };
        Self {
            file,
            position,
            replica,
            noted_at: None,
            reported_at: None,
            cleaned_at: None,
        }
    }

    pub(super) fn batch(&self) -> BatchNumber {
        self.position.batch
    }

    /// Writes the position down, now and then; what is not written is done again after a restart.
    fn note(&mut self) {
        if is_due(&mut self.noted_at, NOTE_EVERY) {
            self.note_now();
        }
    }

    fn note_now(&self) {
        if let Err(error) = self.file.write(self.position) {
            warn!(service = "relay", %error, "serving_index_position_not_written");
        }
    }
}

/// The walk over everything: over what the replica holds, if the log goes on from there.
async fn start(replica: Option<&mut ReplicaReader>, bounds: Bounds) -> Position {
    let held = match replica {
        Some(replica) => replica.newest_batch().await,
        None => None,
    };
    let held = held.filter(|held| is_reached(*held, bounds));
    let (newest, _) = bounds;
    Position {
        batch: held.map_or(newest, |held| held.min(newest)),
        load: Load::After(None),
    }
}

/// Whether the log still has everything after a batch.
fn is_reached(batch: BatchNumber, (_, oldest): Bounds) -> bool {
    batch.0 + 1 >= oldest.0
}

impl ServingIndex {
    /// Feeds the index until told to stop. `arrived` says that something may have arrived in the
    /// archive; `applied` is notified when the index has more.
    ///
    /// To be run once; a second call waits for the first. What fails is tried again.
    pub async fn follow(&self, arrived: &Notify, applied: &Notify, soft: &CancellationToken) {
        let mut follower = self.follower.lock().await;
        let mut is_failing = false;
        while !soft.is_cancelled() {
            let step = tokio::select! {
                step = self.step(&mut follower) => step,
                () = soft.cancelled() => break,
            };
            let pause = match step {
                Ok(Step::More) => Duration::ZERO,
                Ok(Step::UpToDate) => CLEAN_EVERY,
                Err(_) => PAUSE,
            };
            match step {
                Ok(_) => applied.notify_one(),
                Err(error) if is_failing => {
                    tracing::debug!(service = "relay", %error, "serving_index_not_fed");
                }
                Err(ref error) => {
                    warn!(service = "relay", reason = error.reason(), %error, "serving_index_not_fed");
                }
            }
            is_failing = pause == PAUSE;
            tokio::select! {
                () = arrived.notified(), if !is_failing => {}
                () = tokio::time::sleep(pause) => {}
                () = soft.cancelled() => {}
            }
        }
        follower.note_now();
    }

    async fn step(&self, follower: &mut Follower) -> Result<Step, StoreError> {
        if is_due(&mut follower.cleaned_at, CLEAN_EVERY) {
            self.clean().await?;
        }
        let step = match follower.position.load {
            Load::After(_) => self.load(follower).await?,
            Load::Done => self.follow_log(follower).await?,
        };
        follower.note();
        Ok(step)
    }

    /// Takes one page of everything that is stored.
    async fn load(&self, follower: &mut Follower) -> Result<Step, StoreError> {
        let Load::After(cursor) = follower.position.load else {
            return Ok(Step::More);
        };
        if cursor.is_none() {
            let expected = self.archive.event_statistics().await?.events;
            self.expected.store(expected, Ordering::Relaxed);
            self.loaded.store(0, Ordering::Relaxed);
        }
        let page = self.page_after(cursor, follower).await?;
        let count = page.events.len() as u64;
        let batch = self.batch(page.events).await?;
        let report = self.index.write(batch).await?;
        self.versions.record(report.batch, follower.position.batch);
        self.loaded.fetch_add(count, Ordering::Relaxed);
        follower.position.load = match page.next {
            Some(next) => Load::After(Some(next)),
            None => Load::Done,
        };
        if is_due(&mut follower.reported_at, REPORT_EVERY) {
            let progress = self.progress();
            info!(
                service = "relay",
                loaded = progress.loaded,
                expected = progress.expected,
                "serving_index_loading"
            );
        }
        Ok(Step::More)
    }

    /// The next page of everything that is stored, of the replica if it holds what is in the load.
    async fn page_after(
        &self,
        cursor: Option<ScanCursor>,
        follower: &mut Follower,
    ) -> Result<ScanPage, StoreError> {
        let at_least = follower.position.batch;
        if let Some(replica) = &mut follower.replica
            && let Some(page) = replica.scan(at_least, cursor, STEP_EVENTS).await
        {
            return Ok(page);
        }
        let (all, order) = (Filter::default(), ScanOrder::OldestFirst);
        let archive = &self.archive;
        archive
            .scan(all, Scope::Stored, order, cursor, STEP_EVENTS)
            .await
    }

    /// The next batches of the log, of the replica as long as it has some. Readers that the index answers do not wait
    /// for a replica.
    async fn batches_after(
        &self,
        batch: BatchNumber,
        follower: &mut Follower,
    ) -> Result<Vec<ArrivalBatch>, StoreError> {
        let replica = follower.replica.as_mut().filter(|_| !self.is_serving());
        if let Some(replica) = replica
            && let Some(batches) = replica.arrivals_after(batch, STEP_EVENTS).await
        {
            return Ok(batches);
        }
        self.archive.arrivals_after(batch, STEP_EVENTS).await
    }

    /// Takes the next batches of the log.
    async fn follow_log(&self, follower: &mut Follower) -> Result<Step, StoreError> {
        let after = follower.position.batch;
        let batches = self.batches_after(after, follower).await?;
        let Some(last) = batches.last().map(|batch| batch.number) else {
            return Ok(self.caught_up().await);
        };
        let is_torn = batches
            .first()
            .is_some_and(|first| first.number.0 > after.0 + 1);
        if is_torn {
            self.load_again(follower).await?;
            return Ok(Step::More);
        }
        let events = batches.into_iter().flat_map(events).collect();
        let batch = self.batch(events).await?;
        let report = self.index.write(batch).await?;
        self.versions.record(report.batch, last);
        follower.position.batch = last;
        Ok(Step::More)
    }

    async fn caught_up(&self) -> Step {
        if self.is_serving() {
            return Step::UpToDate;
        }
        if !self.try_to_serve().await {
            return Step::More;
        }
        let batch = self.versions.newest().0;
        info!(service = "relay", batch, "serving_index_ready");
        Step::UpToDate
    }

    /// The log was trimmed beyond what the index has: only a walk over everything finds what it lacks.
    async fn load_again(&self, follower: &mut Follower) -> Result<(), StoreError> {
        warn!(
            service = "relay",
            batch = follower.position.batch.0,
            "serving_index_lost_track"
        );
        let bounds = self.archive.arrival_bounds().await?;
        self.stop_serving().await;
        follower.position = start(follower.replica.as_mut(), bounds).await;
        Ok(())
    }

    /// The index decides by the same rules as the archive what readers may see. Only who brought an event cannot be
    /// told from the event, and is asked for where it matters.
    async fn batch(&self, events: Vec<Event>) -> Result<EventBatch, StoreError> {
        let new = |event| NewEvent {
            event,
            sighting: None,
            if_deleted: IfDeleted::Keep,
            if_protected: IfProtected::Hide,
        };
        let mut events: Vec<NewEvent> = events.into_iter().map(new).collect();
        let protected = events.iter_mut().filter(|new| is_protected(&new.event));
        let mut protected: Vec<&mut NewEvent> = protected.collect();
        if !protected.is_empty() {
            let keys = protected.iter().map(|new| EventKey::of(&new.event));
            let brought = self.archive.brought_by_author(keys.collect()).await?;
            for (new, is_brought) in protected.iter_mut().zip(brought) {
                if is_brought {
                    new.if_protected = IfProtected::Show;
                }
            }
        }
        Ok(EventBatch {
            events,
            now: self.clock.now(),
            ..EventBatch::default()
        })
    }

    /// Takes out what has expired, and the index's own log, which nobody reads.
    async fn clean(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        while self.index.sweep_expired(now, SWEEP_EVENTS).await? >= SWEEP_EVENTS as u64 {}
        let (newest, _) = self.index.arrival_bounds().await?;
        self.index.trim_arrivals(newest, u64::MAX).await?;
        Ok(())
    }
}

fn events(batch: ArrivalBatch) -> impl Iterator<Item = Event> {
    batch.events.into_iter().map(|arrival| arrival.event)
}

fn is_protected(event: &Event) -> bool {
    let event = event.as_ref();
    let may_be_marked = event.tags_json.contains("\"-\"");
    (may_be_marked && nip70::is_protected(&event.tags())) || nip70::reposts_protected(&event)
}

/// Whether something is due that happens so often; notes that it happens now.
fn is_due(last: &mut Option<Instant>, every: Duration) -> bool {
    let now = Instant::now();
    let is_due = last.is_none_or(|last| now - last >= every);
    if is_due {
        *last = Some(now);
    }
    is_due
}
