//! What a store that fails costs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bigbrotr::archive::Admission;
use bigbrotr::model::{RelayId, Sighting};
use bigbrotr::store::events::{
    ArrivalBatch, BatchNumber, EventBatch, EventKey, EventStatistics, Page, QueryBounds,
    ScanCursor, ScanOrder, ScanPage, Scope, Visibility, WriteReport,
};
use bigbrotr::store::lmdb::{LmdbEvents, LmdbOptions};
use bigbrotr::store::quarantine::QuarantinedEvent;
use bigbrotr::store::sets::{AuthorCount, KeySet, SetBounds};
use bigbrotr::store::sqlite::{SqliteOptions, SqliteStore};
use bigbrotr::store::{EventStore, QuarantineStore, StoreError};
use nips::nip45::SketchOffset;
use nips::{EventId, Filter};
use tokio::sync::Semaphore;

use super::given::{Given, NOW, crawl, note, over, raw, refused};

/// The real store, except that some writes fail, that walks over it may have to wait, and that it counts how often it
/// is asked for sets.
pub(crate) struct Faulty {
    store: LmdbEvents,
    /// A write that holds any of these fails for good.
    poison: Vec<EventId>,
    /// So many writes fail for now.
    outages: AtomicUsize,
    /// A write takes one permit, and waits for it.
    permits: Semaphore,
    /// A query that is no look-up of ids takes one permit for good, and waits for it.
    pub(crate) walks: Semaphore,
    /// How often it was asked for the keys of a set.
    pub(crate) sets: AtomicUsize,
}

impl Faulty {
    /// One at fault in nothing yet.
    pub(crate) fn open(directory: &Path) -> Self {
        Self {
            store: LmdbEvents::open(LmdbOptions::at(directory)).unwrap(),
            poison: Vec::new(),
            outages: AtomicUsize::new(0),
            permits: Semaphore::new(1_000),
            walks: Semaphore::new(1_000),
            sets: AtomicUsize::new(0),
        }
    }
}

fn faulty(poison: &[EventId], outages: usize) -> (Given, Arc<Faulty>) {
    let directory = tempfile::tempdir().unwrap();
    let faulty = Arc::new(Faulty {
        poison: poison.to_vec(),
        outages: AtomicUsize::new(outages),
        ..Faulty::open(directory.path())
    });
    (over(Arc::clone(&faulty) as _, directory), faulty)
}

#[tokio::test]
async fn one_bad_row_costs_only_itself() {
    let events: Vec<_> = (0..1_000).map(note).collect();
    let poison = [events[3].id(), events[777].id()];
    let (given, _) = faulty(&poison, 0);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("quarantine.sqlite");
    let quarantine = SqliteStore::open(&file, SqliteOptions::default()).await;
    let quarantine = Arc::new(quarantine.unwrap());
    let archive = given.archive.with_quarantine(quarantine.clone());
    let answers = archive.admit(raw(&events), crawl(1)).await.unwrap();
    for (position, answer) in answers.iter().enumerate() {
        if matches!(position, 3 | 777) {
            assert_eq!(refused(answer), "unstorable");
        } else {
            assert_eq!(*answer, Admission::Stored(Visibility::Public), "{position}");
        }
    }
    assert_eq!(archive.counts().poisoned_batches, 1);
    let mut kept = quarantine.quarantined(10).await.unwrap();
    kept.sort_by_key(|kept| kept.id != events[3].id());
    let expected = [3, 777].map(|position: usize| QuarantinedEvent {
        id: events[position].id(),
        event: Some(events[position].to_json()),
        relay: Some(RelayId(1)),
        reason: "store operation write failed: scripted".to_owned(),
        quarantined_at: NOW,
    });
    assert_eq!(kept, expected);
}

#[tokio::test]
async fn a_store_that_takes_nothing_is_at_fault_itself() {
    let events: Vec<_> = (0..100).map(note).collect();
    let poison: Vec<_> = events.iter().map(|event| event.id()).collect();
    let (given, _) = faulty(&poison, 0);
    for some in [&events[..], &events[..1]] {
        let error = given.archive.admit(raw(some), crawl(1)).await.unwrap_err();
        assert_eq!(error.reason(), "failed");
    }
}

#[tokio::test]
async fn an_outage_is_reported_and_the_same_events_can_be_brought_again() {
    let (given, _) = faulty(&[], 1);
    let events: Vec<_> = (0..10).map(note).collect();
    let error = given
        .archive
        .admit(raw(&events), crawl(1))
        .await
        .unwrap_err();
    assert!(error.is_transient());
    let answers = given.archive.admit(raw(&events), crawl(1)).await.unwrap();
    assert!(
        answers
            .iter()
            .all(|answer| *answer == Admission::Stored(Visibility::Public))
    );
}

#[tokio::test]
async fn a_call_that_was_dropped_does_not_block_the_next() {
    let (given, faulty) = faulty(&[], 0);
    let all = faulty.permits.acquire_many(1_000).await.unwrap();
    let event = note(1);
    let mut first = Box::pin(given.archive.admit(raw([&event]), crawl(1)));
    let mut second = Box::pin(given.archive.admit(raw([&event]), crawl(2)));
    assert!(futures_util::poll!(&mut first).is_pending());
    assert!(futures_util::poll!(&mut second).is_pending());
    drop(first);
    drop(all);
    let answers = second.await.unwrap();
    assert_eq!(answers, [Admission::Stored(Visibility::Public)]);
}

#[async_trait]
impl EventStore for Faulty {
    async fn brought_by_author(&self, keys: Vec<EventKey>) -> Result<Vec<bool>, StoreError> {
        self.store.brought_by_author(keys).await
    }

    async fn write(&self, batch: EventBatch) -> Result<WriteReport, StoreError> {
        let _permit = self.permits.acquire().await.unwrap();
        let (operation, source) = ("write", "scripted".into());
        let is_down = |left: usize| left.checked_sub(1);
        let order = Ordering::SeqCst;
        if self.outages.fetch_update(order, order, is_down).is_ok() {
            return Err(StoreError::Unavailable { operation, source });
        }
        let mut ids = batch.events.iter().map(|new| new.event.id());
        if ids.any(|id| self.poison.contains(&id)) {
            return Err(StoreError::Failed { operation, source });
        }
        self.store.write(batch).await
    }

    async fn known(&self, keys: Vec<EventKey>) -> Result<Vec<bool>, StoreError> {
        self.store.known(keys).await
    }

    async fn query(
        &self,
        filters: Vec<Filter>,
        scope: Scope,
        bounds: QueryBounds,
    ) -> Result<Page, StoreError> {
        if filters.iter().any(|filter| filter.ids.is_none()) {
            self.walks.acquire().await.unwrap().forget();
        }
        self.store.query(filters, scope, bounds).await
    }

    async fn count(
        &self,
        filters: Vec<Filter>,
        scope: Scope,
        bounds: SetBounds,
    ) -> Result<(u64, bool), StoreError> {
        self.store.count(filters, scope, bounds).await
    }

    async fn count_authors(
        &self,
        filter: Filter,
        scope: Scope,
        offset: SketchOffset,
        bounds: SetBounds,
    ) -> Result<AuthorCount, StoreError> {
        let store = &self.store;
        store.count_authors(filter, scope, offset, bounds).await
    }

    async fn keys(
        &self,
        filter: Filter,
        scope: Scope,
        bounds: SetBounds,
    ) -> Result<KeySet, StoreError> {
        self.sets.fetch_add(1, Ordering::SeqCst);
        self.store.keys(filter, scope, bounds).await
    }

    async fn scan(
        &self,
        filter: Filter,
        scope: Scope,
        order: ScanOrder,
        after: Option<ScanCursor>,
        max_visited: usize,
    ) -> Result<ScanPage, StoreError> {
        self.store
            .scan(filter, scope, order, after, max_visited)
            .await
    }

    async fn sightings(&self, id: EventId) -> Result<Vec<Sighting>, StoreError> {
        self.store.sightings(id).await
    }

    async fn arrivals_after(
        &self,
        batch: BatchNumber,
        max_events: usize,
    ) -> Result<Vec<ArrivalBatch>, StoreError> {
        self.store.arrivals_after(batch, max_events).await
    }

    async fn arrival_bounds(&self) -> Result<(BatchNumber, BatchNumber), StoreError> {
        self.store.arrival_bounds().await
    }

    async fn trim_arrivals(&self, batch: BatchNumber, before: u64) -> Result<u64, StoreError> {
        self.store.trim_arrivals(batch, before).await
    }

    async fn sweep_expired(&self, now: u64, limit: usize) -> Result<u64, StoreError> {
        self.store.sweep_expired(now, limit).await
    }

    async fn event_statistics(&self) -> Result<EventStatistics, StoreError> {
        self.store.event_statistics().await
    }
}
