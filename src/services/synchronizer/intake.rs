//! From raw events of one answer to the archive, and to the page that the walk looks at.
//!
//! Events are admitted while the answer is still arriving, so that memory holds a batch of it and not
//! all of it. What does not answer the question goes no further.

use std::collections::HashSet;
use std::sync::Mutex;

use nips::{Event, EventId, Filter};
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant};

use crate::archive::{Admission, Archive, Door, Rejection};
use crate::config::SyncProcessing;
use crate::model::GapReason;
use crate::net::RawEvent;
use crate::store::StoreError;

use super::harvest::{Flaw, Harvest};
use super::page::{Page, Seen};

/// Bytes of events collected before they are handed over, however few they are.
const BATCH_BYTES: usize = 1 << 20;

/// An event that is no older than this when it is stored shows that its relay brings news.
const FRESH_SECONDS: u64 = 86_400;

/// When the last event came, as seen by whoever decides that a relay has fallen silent. Time that the
/// archive needs does not count as the relay's silence.
#[derive(Debug)]
pub(super) struct Pulse(Mutex<Beat>);

#[derive(Debug, Clone, Copy)]
struct Beat {
    last: Instant,
    is_archiving: bool,
}

impl Pulse {
    /// A pulse that beats now.
    pub(super) fn new() -> Self {
        Self(Mutex::new(Beat {
            last: Instant::now(),
            is_archiving: false,
        }))
    }

    fn beat(&self, is_archiving: bool) {
        *self.lock() = Beat {
            last: Instant::now(),
            is_archiving,
        };
    }

    /// Returns once nothing has come for so long. Cancel-safe.
    pub(super) async fn silence(&self, longest: Duration) {
        loop {
            let beat = *self.lock();
            let since = if beat.is_archiving {
                Instant::now()
            } else {
                beat.last
            };
            if since.elapsed() >= longest {
                return;
            }
            tokio::time::sleep_until(since + longest).await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Beat> {
        self.0.lock().expect("no panic while the pulse is taken")
    }
}

/// The receiving end of one answer.
pub(super) struct Intake<'a> {
    archive: &'a Archive,
    door: Door,
    filter: &'a Filter,
    /// The same filter at any time.
    timeless: Filter,
    batch_events: usize,
    max_event_bytes: usize,
    /// From this moment on an event counts as fresh.
    fresh_since: u64,
    pulse: &'a Pulse,
    page: Page,
    ids: HashSet<EventId>,
    batch: Vec<Event>,
    batch_bytes: usize,
    harvest: Harvest,
}

impl<'a> Intake<'a> {
    /// Takes what answers `filter`, and hands it over in batches.
    pub(super) fn new(
        archive: &'a Archive,
        door: Door,
        filter: &'a Filter,
        processing: &SyncProcessing,
        pulse: &'a Pulse,
    ) -> Self {
        Self {
            archive,
            door,
            filter,
            timeless: Filter {
                since: None,
                until: None,
                ..filter.clone()
            },
            batch_events: processing.batch_size,
            max_event_bytes: max_event_bytes(archive, processing),
            fresh_since: archive.now().saturating_sub(FRESH_SECONDS),
            pulse,
            page: Page::default(),
            ids: HashSet::new(),
            batch: Vec::new(),
            batch_bytes: 0,
            harvest: Harvest::default(),
        }
    }

    /// Takes events until the sending end is closed. When it returns, all of them are durable.
    ///
    /// # Errors
    /// [`StoreError`] when the archive could not take a batch; the rest of the answer is dropped.
    pub(super) async fn drain(
        mut self,
        mut events: mpsc::Receiver<RawEvent>,
    ) -> Result<(Page, Harvest), StoreError> {
        while let Some(event) = events.recv().await {
            self.pulse.beat(false);
            self.take(&event);
            if self.batch.len() >= self.batch_events || self.batch_bytes >= BATCH_BYTES {
                self.hand_over().await?;
            }
        }
        self.hand_over().await?;
        Ok((self.page, self.harvest))
    }

    /// Takes events that are here already. When it returns, all of them are durable.
    ///
    /// # Errors
    /// [`StoreError`] when the archive could not take them.
    pub(super) async fn admit(
        mut self,
        events: impl IntoIterator<Item = RawEvent>,
    ) -> Result<(Page, Harvest), StoreError> {
        for event in events {
            self.take(&event);
        }
        self.hand_over().await?;
        Ok((self.page, self.harvest))
    }

    fn take(&mut self, raw: &str) {
        self.page.frames += 1;
        match self.look_at(raw) {
            Ok(event) if raw.len() > self.max_event_bytes => {
                self.turn_away(&Flaw::TooLarge);
                self.lose(event.created_at(), GapReason::TooLarge);
            }
            Ok(event) => {
                self.batch_bytes += raw.len();
                self.batch.push(event);
            }
            Err(flaw) => self.turn_away(&flaw),
        }
    }

    fn lose(&mut self, created_at: u64, reason: GapReason) {
        self.page.not_kept.insert(created_at, reason);
    }

    fn turn_away(&mut self, flaw: &Flaw) {
        self.archive.count_refused(flaw.reason());
        self.harvest.count_flawed(flaw);
    }

    fn look_at(&mut self, raw: &str) -> Result<Event, Flaw> {
        let parsed = Event::from_json(raw).map_err(Flaw::Malformed)?;
        let event = parsed.as_ref();
        let indexed_tags = event.indexed_tags();
        if !self.filter.matches(&event, &indexed_tags) {
            let is_only_outside = self.timeless.matches(&event, &indexed_tags);
            self.page.out_of_range += usize::from(is_only_outside);
            return Err(Flaw::NotAskedFor);
        }
        if !self.ids.insert(event.id) {
            return Err(Flaw::Repeated);
        }
        self.page.events.push(Seen {
            created_at: event.created_at,
            id: event.id,
            kind: event.kind,
            author: event.pubkey,
        });
        Ok(parsed)
    }

    async fn hand_over(&mut self) -> Result<(), StoreError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.batch_bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        let times: Vec<u64> = batch.iter().map(Event::created_at).collect();
        self.pulse.beat(true);
        let admissions = self.archive.admit_events(batch, self.door.clone()).await;
        self.pulse.beat(false);
        for (created_at, admission) in times.into_iter().zip(&admissions?) {
            self.harvest.count(admission);
            let is_fresh = created_at >= self.fresh_since;
            self.harvest.fresh += u64::from(is_fresh && is_new(admission));
            if *admission == Admission::Refused(Rejection::Unstorable) {
                self.lose(created_at, GapReason::Unstorable);
            }
        }
        Ok(())
    }
}

fn is_new(admission: &Admission) -> bool {
    matches!(admission, Admission::Stored(_))
}

/// What an operator sets can only be stricter than the archive.
fn max_event_bytes(archive: &Archive, processing: &SyncProcessing) -> usize {
    let of_archive = archive.settings().max_event_bytes;
    let configured = processing.max_event_size.unwrap_or(of_archive);
    configured.min(of_archive)
}
