//! The relay's serving index in front of an archive that others write into.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use bigbrotr::archive::ArchiveSettings;
use bigbrotr::clock::MockClock;
use bigbrotr::model::Sighting;
use bigbrotr::relay::RelaySettings;
use bigbrotr::store::events::{
    ArrivalBatch, BatchNumber, EventBatch, EventKey, EventStatistics, Page, QueryBounds,
    ScanCursor, ScanOrder, ScanPage, Scope, WriteReport,
};
use bigbrotr::store::lmdb::{LmdbEvents, LmdbOptions};
use bigbrotr::store::serving::{Replica, ServingIndex, ServingOptions};
use bigbrotr::store::sets::{AuthorCount, KeySet, SetBounds};
use bigbrotr::store::{EventStore, StoreError};
use nips::nip45::SketchOffset;
use nips::{EventId, Filter};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::server::{Stores, serve_over};
use crate::archive::given::{NOW, note};
use crate::contract::events::{Dice, ask, batch, brought_at, write};

/// An archive that an index is fed from.
struct Archive {
    store: LmdbEvents,
    is_away: AtomicBool,
    _directory: TempDir,
}

/// An index with what feeds it; dropping it stops that.
struct Fed {
    index: Arc<ServingIndex>,
    arrived: Arc<Notify>,
    applied: Arc<Notify>,
    soft: CancellationToken,
    feeding: JoinSet<()>,
}

impl Archive {
    fn new() -> Arc<Self> {
        let directory = tempfile::tempdir().unwrap();
        Arc::new(Self {
            store: LmdbEvents::open(LmdbOptions::at(directory.path())).unwrap(),
            is_away: AtomicBool::new(false),
            _directory: directory,
        })
    }

    fn reach(&self) -> Result<&LmdbEvents, StoreError> {
        let unavailable = |_| StoreError::Unavailable {
            operation: "test",
            source: "the server is away".into(),
        };
        let is_away = self.is_away.load(Ordering::SeqCst);
        (!is_away)
            .then_some(&self.store)
            .ok_or(())
            .map_err(unavailable)
    }
}

/// A replica of an archive, which holds what was written into it.
struct Copy {
    archive: Arc<Archive>,
    scans: AtomicUsize,
}

impl Copy {
    async fn of(notes: &[u64]) -> Arc<Self> {
        let copy = Self {
            archive: Archive::new(),
            scans: AtomicUsize::new(0),
        };
        for number in notes {
            write(&copy.archive.store, &[note(*number)]).await;
        }
        Arc::new(copy)
    }
}

#[async_trait]
impl Replica for Copy {
    async fn newest_batch(&self) -> Result<BatchNumber, StoreError> {
        let (newest, _) = self.archive.arrival_bounds().await?;
        Ok(newest)
    }

    async fn scan(
        &self,
        after: Option<ScanCursor>,
        max_visited: usize,
    ) -> Result<ScanPage, StoreError> {
        self.scans.fetch_add(1, Ordering::SeqCst);
        let (all, order) = (Filter::default(), ScanOrder::OldestFirst);
        let page = self
            .archive
            .scan(all, Scope::Stored, order, after, max_visited);
        page.await
    }

    async fn arrivals_after(
        &self,
        batch: BatchNumber,
        max_events: usize,
    ) -> Result<Vec<ArrivalBatch>, StoreError> {
        self.archive.arrivals_after(batch, max_events).await
    }
}

async fn open(archive: &Arc<Archive>, directory: &Path, id: &str) -> Arc<ServingIndex> {
    open_at(NOW, archive, directory, id).await
}

async fn open_at(
    now: u64,
    archive: &Arc<Archive>,
    directory: &Path,
    id: &str,
) -> Arc<ServingIndex> {
    let options = ServingOptions {
        path: directory.to_owned(),
        archive_id: id.to_owned(),
        own_relay_urls: Vec::new(),
        replica: None,
    };
    let clock = Arc::new(MockClock::at(now));
    let index = ServingIndex::open(archive.clone(), clock, options).await;
    Arc::new(index.unwrap())
}

async fn open_beside(
    replica: &Arc<Copy>,
    archive: &Arc<Archive>,
    directory: &Path,
) -> Arc<ServingIndex> {
    let options = ServingOptions {
        path: directory.to_owned(),
        archive_id: "a".to_owned(),
        own_relay_urls: Vec::new(),
        replica: Some(replica.clone()),
    };
    let clock = Arc::new(MockClock::at(NOW));
    let index = ServingIndex::open(archive.clone(), clock, options).await;
    Arc::new(index.unwrap())
}

fn feed(index: Arc<ServingIndex>) -> Fed {
    let (arrived, applied) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let soft = CancellationToken::new();
    let mut feeding = JoinSet::new();
    feeding.spawn({
        let (index, soft) = (Arc::clone(&index), soft.clone());
        let (arrived, applied) = (Arc::clone(&arrived), Arc::clone(&applied));
        async move { index.follow(&arrived, &applied, &soft).await }
    });
    Fed {
        index,
        arrived,
        applied,
        soft,
        feeding,
    }
}

impl Fed {
    /// Waits until it answers, and holds everything that the archive has now.
    async fn caught_up(&self, archive: &Archive) {
        let (newest, _) = archive.store.arrival_bounds().await.unwrap();
        self.arrived.notify_one();
        loop {
            let progress = self.index.progress();
            if progress.is_serving && progress.batch >= newest {
                return;
            }
            self.applied.notified().await;
        }
    }

    async fn stop(self) {
        self.soft.cancel();
        self.feeding.join_all().await;
    }
}

async fn assert_same_answers(archive: &Archive, index: &ServingIndex, dice: &mut Dice, now: u64) {
    for _ in 0..6 {
        let scope = Scope::servable(dice.readers(), now);
        for _ in 0..10 {
            let filters = dice.filters();
            let bounds = QueryBounds::default();
            let expected = archive.store.query(filters.clone(), scope.clone(), bounds);
            let expected = expected.await.unwrap();
            let page = index.query(filters.clone(), scope.clone(), bounds);
            assert_eq!(page.await.unwrap(), expected);
            let expected =
                archive
                    .store
                    .count(filters.clone(), scope.clone(), SetBounds::default());
            let expected = expected.await.unwrap();
            let count = index
                .count(filters, scope.clone(), SetBounds::default())
                .await;
            assert_eq!(count.unwrap(), expected);
        }
    }
}

#[tokio::test]
async fn an_index_answers_like_its_archive_whenever_it_began() {
    for seed in 0..12 {
        let archive = Archive::new();
        let directory = tempfile::tempdir().unwrap();
        let mut dice = Dice::new(seed);
        let history = dice.history(160);
        let now = dice.now();
        let brought = dice.brought(&history);
        let (early, late) = brought.split_at(brought.len() / 2);
        let mut batches = dice.batches(history);
        let later = batches.split_off(batches.len() * (seed as usize % 4) / 3);
        for events in batches {
            archive.store.write(batch(events, now)).await.unwrap();
        }
        archive.store.write(brought_at(early, now)).await.unwrap();
        let fed = feed(open_at(now, &archive, directory.path(), "a").await);
        for events in later {
            archive.store.write(batch(events, now)).await.unwrap();
            fed.arrived.notify_one();
        }
        archive.store.write(brought_at(late, now)).await.unwrap();
        fed.caught_up(&archive).await;
        assert_same_answers(&archive, &fed.index, &mut dice, now).await;
        fed.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_comes_at_any_moment_gets_each_event_once() {
    const EVENTS: u64 = 1_200;
    let archive = Archive::new();
    let directory = tempfile::tempdir().unwrap();
    for number in 0..EVENTS / 3 {
        write(&archive.store, &[note(number)]).await;
    }
    let index = open(&archive, directory.path(), "a").await;
    let clock = Arc::new(MockClock::at(NOW));
    let others = Arc::new(Notify::new());
    let stores = Stores {
        events: index.clone(),
        others: Arc::clone(&others),
        directory: None,
    };
    let (settings, door) = (RelaySettings::default(), ArchiveSettings::default());
    let relay = serve_over(stores, settings, door, (clock.clone(), clock)).await;
    let mut readers = JoinSet::new();
    let mut fed = None;
    for number in EVENTS / 3..EVENTS {
        write(&archive.store, &[note(number)]).await;
        // The feeding begins and the archive is changed while readers come.
        if number == EVENTS / 2 {
            fed = Some(feed(Arc::clone(&index)));
        }
        let follower = fed.as_ref();
        follower.inspect(|fed| fed.arrived.notify_one());
        others.notify_one();
        if let Some(fed) = follower.filter(|_| number % 7 == 0) {
            fed.applied.notified().await;
            others.notify_one();
        }
        if number % 40 == 0 {
            let mut client = relay.client().await;
            client.send(json!(["REQ", "s", {"limit": 5_000}])).await;
            readers.spawn(async move { collect(&mut client, EVENTS as usize).await });
        }
    }
    let fed = fed.unwrap();
    fed.caught_up(&archive).await;
    others.notify_one();
    while let Some(seen) = readers.join_next().await {
        let seen = seen.unwrap();
        assert!(seen.values().all(|times| *times == 1), "{seen:?}");
    }
    fed.stop().await;
}

/// Reads events of a subscription, stored and live, until all were seen.
async fn collect(client: &mut Client, count: usize) -> HashMap<String, usize> {
    let mut seen = HashMap::new();
    while seen.len() < count {
        let frame = client.next().await;
        if frame[0] == "EVENT" {
            *seen.entry(frame[2]["id"].to_string()).or_default() += 1;
        }
    }
    seen
}

#[tokio::test]
async fn an_index_goes_on_where_it_was_and_answers_while_its_archive_is_away() {
    let archive = Archive::new();
    let directory = tempfile::tempdir().unwrap();
    write(&archive.store, &[note(1), note(2)]).await;
    let fed = feed(open(&archive, directory.path(), "a").await);
    fed.caught_up(&archive).await;
    assert_eq!(fed.index.progress().loaded, 2);
    fed.stop().await;
    write(&archive.store, &[note(3)]).await;
    let fed = feed(open(&archive, directory.path(), "a").await);
    fed.caught_up(&archive).await;
    // Nothing was loaded again.
    assert_eq!(fed.index.progress().loaded, 0);
    archive.is_away.store(true, Ordering::SeqCst);
    let page = ask(&*fed.index, &["{}"], Scope::public(NOW)).await;
    assert_eq!(page.events.len(), 3);
    assert!(fed.index.write(batch(vec![note(4)], NOW)).await.is_err());
    archive.is_away.store(false, Ordering::SeqCst);
    write(&archive.store, &[note(4)]).await;
    fed.caught_up(&archive).await;
    let page = ask(&*fed.index, &["{}"], Scope::public(NOW)).await;
    assert_eq!(page.events.len(), 4);
    fed.stop().await;
}

#[tokio::test]
async fn an_index_of_another_archive_or_of_a_later_state_is_begun_anew() {
    let (one, other) = (Archive::new(), Archive::new());
    let directory = tempfile::tempdir().unwrap();
    write(&one.store, &[note(1)]).await;
    write(&one.store, &[note(2)]).await;
    write(&other.store, &[note(3)]).await;
    for (archive, id, expected) in [
        (&one, "one", vec![note(1), note(2)]),
        (&other, "other", vec![note(3)]),
        // As after a backup was restored: fewer batches under the same name.
        (&one, "x", vec![note(1), note(2)]),
        (&other, "x", vec![note(3)]),
    ] {
        let fed = feed(open(archive, directory.path(), id).await);
        fed.caught_up(archive).await;
        let page = ask(&*fed.index, &["{}"], Scope::public(NOW)).await;
        assert_eq!(page.events, expected, "{id}");
        fed.stop().await;
    }
}

#[tokio::test]
async fn an_index_that_the_log_no_longer_reaches_is_loaded_again() {
    let archive = Archive::new();
    let directory = tempfile::tempdir().unwrap();
    write(&archive.store, &[note(1)]).await;
    let fed = feed(open(&archive, directory.path(), "a").await);
    fed.caught_up(&archive).await;
    fed.stop().await;
    write(&archive.store, &[note(2)]).await;
    let report = write(&archive.store, &[note(3)]).await;
    let trimmed = archive.store.trim_arrivals(report.batch.unwrap(), u64::MAX);
    assert!(trimmed.await.unwrap() > 0);
    let fed = feed(open(&archive, directory.path(), "a").await);
    fed.caught_up(&archive).await;
    assert_eq!(fed.index.progress().loaded, 3);
    let page = ask(&*fed.index, &["{}"], Scope::public(NOW)).await;
    assert_eq!(page.events, [note(1), note(2), note(3)]);
    fed.stop().await;
}

#[tokio::test]
async fn a_log_that_is_trimmed_under_a_follower_takes_the_index_back_to_loading() {
    let archive = Archive::new();
    let directory = tempfile::tempdir().unwrap();
    write(&archive.store, &[note(1)]).await;
    let fed = feed(open(&archive, directory.path(), "a").await);
    fed.caught_up(&archive).await;
    archive.is_away.store(true, Ordering::SeqCst);
    let report = write(&archive.store, &[note(2)]).await;
    let trimmed = archive.store.trim_arrivals(report.batch.unwrap(), u64::MAX);
    trimmed.await.unwrap();
    write(&archive.store, &[note(3)]).await;
    archive.is_away.store(false, Ordering::SeqCst);
    fed.caught_up(&archive).await;
    let page = ask(&*fed.index, &["{}"], Scope::public(NOW)).await;
    assert_eq!(page.events, [note(1), note(2), note(3)]);
    fed.stop().await;
}

/// An archive of one note a batch.
async fn archive_of(notes: &[u64]) -> Arc<Archive> {
    let archive = Archive::new();
    for number in notes {
        write(&archive.store, &[note(*number)]).await;
    }
    archive
}

/// Feeds the index and expects the archive's events in it.
async fn assert_whole(archive: &Archive, index: Arc<ServingIndex>) {
    let fed = feed(index);
    fed.caught_up(archive).await;
    let expected = ask(&archive.store, &["{}"], Scope::public(NOW)).await;
    let page = ask(&*fed.index, &["{}"], Scope::public(NOW)).await;
    assert_eq!(page.events, expected.events);
    fed.stop().await;
}

#[tokio::test]
async fn a_replica_that_is_older_than_the_load_it_began_is_not_read() {
    let archive = archive_of(&[4, 3, 2, 1]).await;
    let directory = tempfile::tempdir().unwrap();
    let young = Copy::of(&[4, 3, 2]).await;
    // The load has begun, and nothing more.
    let begun = open_beside(&young, &archive, directory.path()).await;
    let stopped = CancellationToken::new();
    stopped.cancel();
    begun.follow(&Notify::new(), &Notify::new(), &stopped).await;
    drop(begun);
    let old = Copy::of(&[4]).await;
    let index = open_beside(&old, &archive, directory.path()).await;
    assert_whole(&archive, index).await;
    assert_eq!(old.scans.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_replica_that_the_log_no_longer_reaches_is_not_read() {
    let archive = archive_of(&[3, 2, 1]).await;
    let trimmed = archive.store.trim_arrivals(BatchNumber(2), u64::MAX);
    assert_eq!(trimmed.await.unwrap(), 2);
    let directory = tempfile::tempdir().unwrap();
    let replica = Copy::of(&[3]).await;
    let index = open_beside(&replica, &archive, directory.path()).await;
    assert_whole(&archive, index).await;
    assert_eq!(replica.scans.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_replica_that_goes_away_leaves_the_rest_to_the_archive() {
    let archive = archive_of(&[4, 3, 2, 1]).await;
    let directory = tempfile::tempdir().unwrap();
    let replica = Copy::of(&[4, 3]).await;
    let index = open_beside(&replica, &archive, directory.path()).await;
    replica.archive.is_away.store(true, Ordering::SeqCst);
    assert_whole(&archive, index).await;
    assert_eq!(replica.scans.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_second_process_is_told_that_the_index_is_in_use() {
    let archive = Archive::new();
    let directory = tempfile::tempdir().unwrap();
    let _first = open(&archive, directory.path(), "a").await;
    let options = ServingOptions {
        path: directory.path().to_owned(),
        archive_id: "a".to_owned(),
        own_relay_urls: Vec::new(),
        replica: None,
    };
    let second = ServingIndex::open(archive, Arc::new(MockClock::at(NOW)), options).await;
    assert!(
        matches!(second, Err(StoreError::InUse { .. })),
        "{second:?}"
    );
}

#[async_trait]
impl EventStore for Archive {
    async fn known(&self, keys: Vec<EventKey>) -> Result<Vec<bool>, StoreError> {
        self.reach()?.known(keys).await
    }

    async fn brought_by_author(&self, keys: Vec<EventKey>) -> Result<Vec<bool>, StoreError> {
        self.reach()?.brought_by_author(keys).await
    }

    async fn write(&self, batch: EventBatch) -> Result<WriteReport, StoreError> {
        self.reach()?.write(batch).await
    }

    async fn query(
        &self,
        filters: Vec<Filter>,
        scope: Scope,
        bounds: QueryBounds,
    ) -> Result<Page, StoreError> {
        self.reach()?.query(filters, scope, bounds).await
    }

    async fn count(
        &self,
        filters: Vec<Filter>,
        scope: Scope,
        bounds: SetBounds,
    ) -> Result<(u64, bool), StoreError> {
        self.reach()?.count(filters, scope, bounds).await
    }

    async fn count_authors(
        &self,
        filter: Filter,
        scope: Scope,
        offset: SketchOffset,
        bounds: SetBounds,
    ) -> Result<AuthorCount, StoreError> {
        let store = self.reach()?;
        store.count_authors(filter, scope, offset, bounds).await
    }

    async fn keys(
        &self,
        filter: Filter,
        scope: Scope,
        bounds: SetBounds,
    ) -> Result<KeySet, StoreError> {
        self.reach()?.keys(filter, scope, bounds).await
    }

    async fn scan(
        &self,
        filter: Filter,
        scope: Scope,
        order: ScanOrder,
        after: Option<ScanCursor>,
        max_visited: usize,
    ) -> Result<ScanPage, StoreError> {
        let store = self.reach()?;
        store.scan(filter, scope, order, after, max_visited).await
    }

    async fn sightings(&self, id: EventId) -> Result<Vec<Sighting>, StoreError> {
        self.reach()?.sightings(id).await
    }

    async fn arrivals_after(
        &self,
        batch: BatchNumber,
        max_events: usize,
    ) -> Result<Vec<ArrivalBatch>, StoreError> {
        self.reach()?.arrivals_after(batch, max_events).await
    }

    async fn arrival_bounds(&self) -> Result<(BatchNumber, BatchNumber), StoreError> {
        self.reach()?.arrival_bounds().await
    }

    async fn trim_arrivals(&self, batch: BatchNumber, before: u64) -> Result<u64, StoreError> {
        self.reach()?.trim_arrivals(batch, before).await
    }

    async fn sweep_expired(&self, now: u64, limit: usize) -> Result<u64, StoreError> {
        self.reach()?.sweep_expired(now, limit).await
    }

    async fn event_statistics(&self) -> Result<EventStatistics, StoreError> {
        self.reach()?.event_statistics().await
    }
}
