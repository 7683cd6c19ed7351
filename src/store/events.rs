//! Events with their provenance, the servable predicate, and the log of arrivals.
//!
//! *Stored* is all that the archive holds, every version of a replaceable event included. *Servable*
//! is what NIP-01 lets one reader see now. Both are asked for through [`Scope`].

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use nips::nip40::Expiration;
use nips::nip45::SketchOffset;
use nips::nip77::Element;
use nips::{Event, EventId, EventRef, Filter, PublicKey, tag_values};

use crate::model::Sighting;
use crate::store::StoreError;
use crate::store::quota::Quota;
use crate::store::sets::{AuthorCount, KeySet, SetBounds};

/// Highest `created_at` that can be stored: the key has 33 bits for seconds (year 2242).
pub const MAX_CREATED_AT: u64 = (1 << 33) - 1;

/// 2020-01-01T00:00:00Z, from which engines count the seconds of sightings in 32 bits: Nostr is younger.
pub(in crate::store) const SIGHTING_EPOCH: u64 = 1_577_836_800;

/// What identifies an event to a store that keys by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey {
    /// Unix seconds, at most [`MAX_CREATED_AT`].
    pub created_at: u64,
    /// The id.
    pub id: EventId,
}

impl EventKey {
    /// The key of an event.
    pub fn of(event: &Event) -> Self {
        Self {
            created_at: event.created_at(),
            id: event.id(),
        }
    }

    /// The 64-bit key every engine uses: `created_at << 30 | (not the first 30 bits of the id)`, whose
    /// descending order is NIP-01's order (newest first, then lowest id).
    pub fn eid(&self) -> u64 {
        let head = u32::from_be_bytes([self.id.0[0], self.id.0[1], self.id.0[2], self.id.0[3]]);
        (self.created_at << 30) | u64::from(!(head >> 2) & 0x3fff_ffff)
    }
}

impl From<EventKey> for Element {
    fn from(key: EventKey) -> Self {
        Self {
            created_at: key.created_at,
            id: key.id,
        }
    }
}

/// Number of a committed batch of arrivals: 1, 2, 3 … without holes, in commit order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BatchNumber(pub u64);

/// Who is asking, and so what is servable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything that is stored, whatever NIP-01 says. Answered by a scan over time unless ids are
    /// given.
    Stored,
    /// The same, and what the archive remembers without its content (lightweight mode). For keys: there is
    /// nothing more to show.
    Known,
    /// What these authenticated keys (NIP-42; none for most readers) may see at `now`.
    Servable {
        /// Keys the reader proved to hold.
        readers: Vec<PublicKey>,
        /// Unix seconds, for NIP-40.
        now: u64,
        /// What the operator shows to nobody.
        banned: Arc<Banned>,
    },
}

/// What an operator keeps from all readers of a relay (NIP-86). It stays stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Banned {
    /// Single events.
    pub events: HashSet<EventId>,
    /// Everything of these authors.
    pub authors: HashSet<PublicKey>,
}

impl Banned {
    fn holds(&self, event: &EventRef<'_>) -> bool {
        self.events.contains(&event.id) || self.authors.contains(&event.pubkey)
    }
}

impl Scope {
    /// What an unauthenticated reader may see at `now` unix seconds.
    pub fn public(now: u64) -> Self {
        Self::servable(Vec::new(), now)
    }

    /// What these keys may see at `now` unix seconds where nothing is banned.
    pub fn servable(readers: Vec<PublicKey>, now: u64) -> Self {
        Self::Servable {
            readers,
            now,
            banned: Arc::default(),
        }
    }

    /// Whether both show the same at any one time.
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Servable {
                    readers, banned, ..
                },
                Self::Servable {
                    readers: other_readers,
                    banned: other_banned,
                    ..
                },
            ) => readers == other_readers && banned == other_banned,
            _ => self == other,
        }
    }

    /// The servable predicate: whether one stored event may be shown in this scope. Queries, counts,
    /// walks and live delivery all ask here.
    pub fn admits(
        &self,
        event: &EventRef<'_>,
        visibility: Visibility,
        expiration: Expiration,
    ) -> bool {
        let (readers, now, banned) = match self {
            Self::Stored => return visibility != Visibility::Stub,
            Self::Known => return true,
            Self::Servable {
                readers,
                now,
                banned,
            } => (readers, now, banned),
        };
        let is_readable = match visibility {
            Visibility::Public => true,
            Visibility::Private => is_party(event, readers),
            _ => false,
        };
        is_readable && !expiration.is_past(*now) && !banned.holds(event)
    }
}

/// Whether one of the readers wrote the event or is tagged as its recipient.
fn is_party(event: &EventRef<'_>, readers: &[PublicKey]) -> bool {
    if readers.is_empty() || readers.contains(&event.pubkey) {
        return !readers.is_empty();
    }
    let tags = event.tags();
    let mut recipients = tag_values::values(&tags, "p");
    recipients.any(|value| PublicKey::from_hex(value).is_ok_and(|key| readers.contains(&key)))
}

/// Bounds of one query, shared by all its filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryBounds {
    /// Limit of a filter that has none.
    pub default_limit: usize,
    /// Highest limit of a filter.
    pub max_limit: usize,
    /// Stop after about this many bytes of events.
    pub max_bytes: usize,
    /// Stop after looking at this many index entries.
    pub max_scanned: usize,
    /// Stop at this moment, or soon after it.
    pub deadline: Option<Instant>,
}

impl QueryBounds {
    /// How many events a filter is answered with.
    pub(in crate::store) fn quota(&self, filter: &Filter) -> Quota {
        let asked = filter.limit;
        Quota {
            left: self.limit(filter),
            ends_with_second: asked.is_none_or(|limit| limit > self.max_limit),
            second: None,
        }
    }

    /// With how many events a filter is answered at most.
    pub(in crate::store) fn limit(&self, filter: &Filter) -> usize {
        let asked = filter.limit.unwrap_or(self.default_limit);
        asked.min(self.max_limit)
    }
}

impl Default for QueryBounds {
    fn default() -> Self {
        Self {
            default_limit: 500,
            max_limit: 5_000,
            max_bytes: 32 << 20,
            max_scanned: 1_000_000,
            deadline: None,
        }
    }
}

/// How many places of an index have to be looked at to answer a filter, however little is found there.
pub fn index_places(filter: &Filter) -> usize {
    if let Some(ids) = &filter.ids {
        return ids.len();
    }
    let kinds = filter.kinds.as_ref().map_or(1, Vec::len);
    let authors = filter.authors.iter().map(Vec::len);
    let tags = filter.tags.values().map(Vec::len);
    let shortest = authors.chain(tags).min();
    shortest.map_or(kinds, |len| len.saturating_mul(kinds))
}

/// The answer to a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Newest first, lowest id first within a second, each event once.
    pub events: Vec<Event>,
    /// The last batch this answer knows of; live delivery continues after it.
    pub as_of: BatchNumber,
    /// Whether more events match than were returned (NIP-67 `more`).
    pub has_more: bool,
}

/// A verified event on its way into the store.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Id and signature are checked.
    pub event: Event,
    /// Where it was seen, unless a client or this process brought it.
    pub sighting: Option<Sighting>,
    /// What to do when its author has already deleted it (NIP-09).
    pub if_deleted: IfDeleted,
    /// What to do when its author asked that nobody republishes it (NIP-70).
    pub if_protected: IfProtected,
}

/// What to do with an event that a stored deletion request covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfDeleted {
    /// Keep it, hidden: the archive remembers, readers never see it.
    Keep,
    /// Refuse it, also when it is stored: a client must not bring it back.
    Refuse,
}

/// What to do with an event whose author asked that nobody republishes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfProtected {
    /// Keep it, hidden: it was found somewhere.
    Hide,
    /// Show it like any other, also when it was hidden until now: its author brought it here. That is for ever.
    Show,
}

/// One write: verified events that are probably new, and sightings of events known to be stored.
#[derive(Debug, Clone, Default)]
pub struct EventBatch {
    /// Verified events, any order, repeats allowed.
    pub events: Vec<NewEvent>,
    /// Further sightings of events that are stored.
    pub sightings: Vec<(EventKey, Sighting)>,
    /// Wall-clock of the write, unix seconds.
    pub now: u64,
    /// Rows that will probably be written in the next moment; 0 when somebody waits for the answer. A
    /// store may wait a little for them and write all at once.
    pub rows_to_come: usize,
}

/// What became of one [`NewEvent`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Stored for the first time.
    Stored(Visibility),
    /// It was stored before; `true` when the sighting was new.
    Known(bool),
    /// It was stored before and hidden, and is shown from now on ([`IfProtected::Show`]). The log of arrivals has it
    /// again, as it is news to readers.
    Released(Visibility),
    /// Not stored.
    Refused(Refusal),
}

/// How NIP-01 and its companions let readers see a stored event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Everybody may read it.
    Public,
    /// Only its author and recipients may read it (NIP-04, NIP-17, NIP-59).
    Private,
    /// A newer version of the same address is stored (NIP-01).
    Superseded,
    /// Its author asked for its deletion (NIP-09).
    Deleted,
    /// Its expiration has passed (NIP-40).
    Expired,
    /// Its author asked that nobody republishes it, or the event that it reposts, and did not bring it here (NIP-70).
    Protected,
    /// Only its id, author, time, kind and sightings are kept (lightweight mode).
    Stub,
}

impl Visibility {
    /// Whether some reader may read it, as long as it has not expired.
    pub fn is_servable(self) -> bool {
        matches!(self, Self::Public | Self::Private)
    }

    /// The number that stands for it in every engine.
    pub(in crate::store) fn code(self) -> u8 {
        match self {
            Self::Public => 0,
            Self::Private => 1,
            Self::Superseded => 2,
            Self::Deleted => 3,
            Self::Expired => 4,
            Self::Protected => 5,
            Self::Stub => 6,
        }
    }

    pub(in crate::store) fn from_code(code: u8) -> Option<Self> {
        let all = [
            Self::Public,
            Self::Private,
            Self::Superseded,
            Self::Deleted,
            Self::Expired,
            Self::Protected,
            Self::Stub,
        ];
        all.into_iter().find(|visibility| visibility.code() == code)
    }
}

/// Why a verified event is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Ephemeral kinds are delivered, never stored (NIP-01).
    Ephemeral,
    /// Its author vanished (NIP-62).
    Vanished,
    /// Its author deleted it and [`IfDeleted::Refuse`] was asked for.
    Deleted,
    /// `created_at` is above [`MAX_CREATED_AT`].
    CreatedAtRange,
    /// Too many ids of that second share the same leading bits.
    KeySpaceFull,
}

impl Refusal {
    /// The stable label, e.g. `ephemeral`.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Ephemeral => "ephemeral",
            Self::Vanished => "vanished",
            Self::Deleted => "deleted",
            Self::CreatedAtRange => "created_at-range",
            Self::KeySpaceFull => "key-space-full",
        }
    }
}

/// What a write did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteReport {
    /// One per [`EventBatch::events`], in that order.
    pub outcomes: Vec<Outcome>,
    /// Sightings among [`EventBatch::sightings`] that were new.
    pub new_sightings: u64,
    /// The batch that the stored and released events arrived in; `None` when there are none.
    pub batch: Option<BatchNumber>,
}

/// One entry of the log of arrivals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArrivalBatch {
    /// Its number.
    pub number: BatchNumber,
    /// When it was committed, unix seconds.
    pub arrived_at: u64,
    /// The events first stored or released in it that are still stored whole, newest first.
    pub events: Vec<Arrival>,
}

/// An event of the log of arrivals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The event.
    pub event: Event,
    /// What readers may see of it now; for [`Scope::admits`].
    pub visibility: Visibility,
}

/// Where a walk over all stored events continues: strictly beyond this key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanCursor(pub u64);

/// Direction of a walk over all stored events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanOrder {
    /// NIP-01's order.
    NewestFirst,
    /// Its reverse.
    OldestFirst,
}

/// One step of a walk over all stored events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanPage {
    /// The events that match, in the order asked for.
    pub events: Vec<Event>,
    /// Where to continue; `None` at the end.
    pub next: Option<ScanCursor>,
}

/// The event archive.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Which of the keys are stored, in the order asked.
    async fn known(&self, keys: Vec<EventKey>) -> Result<Vec<bool>, StoreError>;

    /// Which of these protected events their authors brought here ([`IfProtected::Show`]), in the order asked.
    async fn brought_by_author(&self, keys: Vec<EventKey>) -> Result<Vec<bool>, StoreError>;

    /// Stores a batch in one durable transaction: when it returns, a crash loses nothing of it.
    ///
    /// Not cancel-safe for the caller's knowledge: a dropped call may or may not have committed, and
    /// repeating it is harmless.
    async fn write(&self, batch: EventBatch) -> Result<WriteReport, StoreError>;

    /// The union of the filters' answers under NIP-01, each filter with its own limit. Where a bound takes the
    /// limit's place, the second that it ends in is answered whole, so that paging by time misses
    /// nothing (NIP-67).
    async fn query(
        &self,
        filters: Vec<Filter>,
        scope: Scope,
        bounds: QueryBounds,
    ) -> Result<Page, StoreError>;

    /// How many events a query without limits would answer with; the second value says whether a bound was
    /// reached.
    async fn count(
        &self,
        filters: Vec<Filter>,
        scope: Scope,
        bounds: SetBounds,
    ) -> Result<(u64, bool), StoreError>;

    /// The same for one filter, with a sketch of the authors of what was counted (NIP-45).
    async fn count_authors(
        &self,
        filter: Filter,
        scope: Scope,
        offset: SketchOffset,
        bounds: SetBounds,
    ) -> Result<AuthorCount, StoreError>;

    /// The keys of the events that match, of one moment: the newest ones up to the filter's limit, all
    /// without one. Whatever else than expiration changes what matches takes a new number of
    /// [`EventStore::arrival_bounds`].
    async fn keys(
        &self,
        filter: Filter,
        scope: Scope,
        bounds: SetBounds,
    ) -> Result<KeySet, StoreError>;

    /// A step of a walk over everything stored, in time order, visiting at most `max_visited` events.
    async fn scan(
        &self,
        filter: Filter,
        scope: Scope,
        order: ScanOrder,
        after: Option<ScanCursor>,
        max_visited: usize,
    ) -> Result<ScanPage, StoreError>;

    /// Where an event was seen, by relay; empty when it is not stored.
    async fn sightings(&self, id: EventId) -> Result<Vec<Sighting>, StoreError>;

    /// Arrivals after a batch, oldest first, at least one batch and about `max_events` events.
    async fn arrivals_after(
        &self,
        batch: BatchNumber,
        max_events: usize,
    ) -> Result<Vec<ArrivalBatch>, StoreError>;

    /// The newest batch there ever was, and the oldest that [`EventStore::arrivals_after`] can still
    /// return. When the log is empty the latter is the former plus one, so that nothing is missing
    /// after batch `b` exactly when `b + 1` is not below the oldest.
    async fn arrival_bounds(&self) -> Result<(BatchNumber, BatchNumber), StoreError>;

    /// Forgets arrivals up to and including `batch` that are older than `before` unix seconds; the
    /// events stay. Returns how many batches went.
    async fn trim_arrivals(&self, batch: BatchNumber, before: u64) -> Result<u64, StoreError>;

    /// Takes events whose NIP-40 expiration has passed out of the indexes, at most `limit`. They stay
    /// stored. Returns how many went.
    async fn sweep_expired(&self, now: u64, limit: usize) -> Result<u64, StoreError>;

    /// Size and number of what is stored.
    async fn event_statistics(&self) -> Result<EventStatistics, StoreError>;
}

/// Size and number of what is stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventStatistics {
    /// Stored events.
    pub events: u64,
    /// (event, relay) pairs.
    pub sightings: u64,
    /// Stored events by kind.
    pub by_kind: Vec<(nips::Kind, u64)>,
    /// Bytes on disk.
    pub size_bytes: u64,
    /// Lowest `created_at`.
    pub oldest_created_at: Option<u64>,
    /// Highest `created_at`.
    pub newest_created_at: Option<u64>,
}
