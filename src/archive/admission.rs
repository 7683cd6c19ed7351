//! The door itself: from raw events to one [`Admission`] each.

use std::sync::{Arc, OnceLock};

use nips::Event;
use tokio::sync::broadcast;

use super::claims::Claims;
use super::counters::Counters;
use super::verify::Verifier;
use super::visit::Visit;
use super::{Announcement, ArchiveCounts, ArchiveSettings, Door, LiveEvent, Rejection};
use crate::clock::Clock;
use crate::store::events::{BatchNumber, Visibility};
use crate::store::{EventStore, QuarantineStore, StoreError};

/// Announcements that a slow receiver may be behind; it then reads the log of arrivals instead.
const FEED_LEN: usize = 128;

/// Most events of one announcement. With [`FEED_LEN`] it bounds what a receiver that has stopped
/// keeps in memory: about 64 MB of ordinary events.
const ANNOUNCED_EVENTS: usize = 512;

/// What became of one event at the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// Stored for the first time, durably.
    Stored(Visibility),
    /// It was stored, or delivered, before.
    Known {
        /// Whether this is the first time it was seen on that relay. Of several known events in
        /// one call the store only says how many; the first ones pass for new.
        new_sighting: bool,
    },
    /// Ephemeral: passed on to live readers, not stored.
    Delivered,
    /// Not admitted.
    Refused(Rejection),
}

/// The door to the event store; clones share it.
#[derive(Clone)]
pub struct Archive(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) store: Arc<dyn EventStore>,
    /// Where what the store fails on is kept aside.
    pub(super) quarantine: OnceLock<Arc<dyn QuarantineStore>>,
    pub(super) settings: ArchiveSettings,
    pub(super) verifier: Verifier,
    pub(super) claims: Claims,
    pub(super) counters: Counters,
    pub(super) clock: Arc<dyn Clock>,
    feed: broadcast::Sender<Arc<Announcement>>,
}

impl Archive {
    /// A door to `store`, which must be the only one in this process.
    pub fn new(
        store: Arc<dyn EventStore>,
        clock: Arc<dyn Clock>,
        settings: ArchiveSettings,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            quarantine: OnceLock::new(),
            clock,
            verifier: Verifier::new(settings.verify_threads),
            claims: Claims::new(settings.recent_ids),
            settings,
            feed: broadcast::channel(FEED_LEN).0,
            counters: Counters::default(),
        }))
    }

    /// Keeps what the store fails on aside from now on. A door without a quarantine only counts and refuses it.
    pub fn with_quarantine(self, quarantine: Arc<dyn QuarantineStore>) -> Self {
        // A door that has one keeps it.
        let _ = self.0.quarantine.set(quarantine);
        self
    }

    /// Admits raw JSON event objects; one answer each, in their order. When it returns, whatever is
    /// `Stored` or `Known` is durable.
    ///
    /// Calls run concurrently: while one waits for the disk another verifies. Two or three batches
    /// of some thousand events in flight keep every core busy. Dropping the call leaves each event
    /// either stored or not; repeating it is harmless.
    ///
    /// # Errors
    /// [`StoreError`] when the store could not answer. Part of the batch may be stored.
    pub async fn admit(
        &self,
        events: Vec<Box<str>>,
        door: Door,
    ) -> Result<Vec<Admission>, StoreError> {
        let inner = &self.0;
        let max_bytes = inner.settings.max_event_bytes;
        let parsed = inner.verifier.parse(events, max_bytes).await?;
        inner.admit(parsed, &door).await
    }

    /// Admits one event that is parsed already; its signature is checked like any other.
    ///
    /// # Errors
    /// [`StoreError`] when the store could not answer.
    pub async fn admit_event(&self, event: Event, door: Door) -> Result<Admission, StoreError> {
        let mut admissions = self.0.admit(vec![Ok(event)], &door).await?;
        Ok(admissions.pop().expect("one answer for one event"))
    }

    /// Admits events that are parsed already, like [`Archive::admit`].
    ///
    /// # Errors
    /// [`StoreError`] when the store could not answer. Part of the batch may be stored.
    pub async fn admit_events(
        &self,
        events: Vec<Event>,
        door: Door,
    ) -> Result<Vec<Admission>, StoreError> {
        let parsed = events.into_iter().map(Ok).collect();
        self.0.admit(parsed, &door).await
    }

    /// Whether an event is signed by its author. It is not stored: for events that prove something
    /// (NIP-42).
    ///
    /// # Errors
    /// [`StoreError`] when the process shuts down.
    pub async fn is_signed(&self, event: Event) -> Result<bool, StoreError> {
        let verified = self.0.verifier.verify(vec![event]).await?;
        Ok(verified.iter().all(|(_, is_signed)| *is_signed))
    }

    /// Announcements from now on: servable events after their commit, and ephemeral ones. A
    /// receiver that lags reads [`EventStore::arrivals_after`] instead.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Announcement>> {
        self.0.feed.subscribe()
    }

    /// Counts an event that was refused before it got to the door, by somebody who knew what was to
    /// be expected of it, so that the totals tell of it.
    pub fn count_refused(&self, reason: &'static str) {
        self.0.counters.count_refused(reason);
    }

    /// What passed the door so far.
    pub fn counts(&self) -> ArchiveCounts {
        self.0.counters.counts()
    }

    /// The time by which events are judged, unix seconds.
    pub fn now(&self) -> u64 {
        self.0.clock.now()
    }

    /// The bounds in force.
    pub fn settings(&self) -> &ArchiveSettings {
        &self.0.settings
    }
}

impl Inner {
    async fn admit(
        &self,
        parsed: Vec<Result<Event, Rejection>>,
        door: &Door,
    ) -> Result<Vec<Admission>, StoreError> {
        let visit = Visit::new(self, door, self.clock.now(), parsed.len());
        let admissions = visit.pass(parsed).await?;
        self.counters.count(&admissions);
        Ok(admissions)
    }

    /// Whether anybody reads announcements.
    pub(super) fn has_listeners(&self) -> bool {
        self.feed.receiver_count() > 0
    }

    pub(super) fn announce(&self, batch: Option<BatchNumber>, events: &[Arc<LiveEvent>]) {
        for events in events.chunks(ANNOUNCED_EVENTS) {
            let events = events.to_vec();
            // That nobody listens any more is no error.
            let _ = self.feed.send(Arc::new(Announcement { batch, events }));
        }
    }
}
