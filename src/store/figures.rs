//! What the archive holds, in numbers.

use nips::{EventId, Kind, Network, PublicKey};

use crate::model::{RelayId, RelayMetadata};
use crate::store::StoreError;
use async_trait::async_trait;

/// Rows looked at for the authors of one relay: a few hundredths of a second, and more than a relay that wants to be
/// asked about authors has of them.
pub const MAX_LOOKED_THROUGH: usize = 100_000;

/// The whole archive. The stretches of time end at the moment asked for and go by `created_at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ArchiveFigures {
    /// Stored events.
    pub events: u64,
    /// Their different authors.
    pub authors: u64,
    /// Their different kinds.
    pub kinds: u64,
    /// Lowest `created_at`.
    pub first_created_at: Option<u64>,
    /// Highest `created_at`.
    pub last_created_at: Option<u64>,
    /// Events of the last 3,600 seconds.
    pub last_hour: u64,
    /// Events of the last 24 hours.
    pub last_day: u64,
    /// Events of the last 7 days.
    pub last_week: u64,
    /// Events of the last 30 days.
    pub last_month: u64,
}

/// A kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindFigures {
    /// The kind.
    pub kind: Kind,
    /// Stored events.
    pub events: u64,
    /// Their different authors.
    pub authors: u64,
}

/// A day of `created_at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayFigures {
    /// Days since 1970-01-01, in UTC.
    pub day: u32,
    /// Stored events.
    pub events: u64,
    /// Their different authors.
    pub authors: u64,
    /// Their different kinds.
    pub kinds: u64,
}

/// An author.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthorFigures {
    /// The author.
    pub pubkey: PublicKey,
    /// Stored events.
    pub events: u64,
    /// Their different kinds.
    pub kinds: u64,
    /// Lowest `created_at`.
    pub first_created_at: u64,
    /// Highest `created_at`.
    pub last_created_at: u64,
}

/// A relay: what was seen there, how fast it answers, and what it says it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayFigures {
    /// The relay.
    pub relay: RelayId,
    /// Its network.
    pub network: Network,
    /// Events seen there.
    pub events: u64,
    /// Their different authors.
    pub authors: u64,
    /// Their different kinds.
    pub kinds: u64,
    /// Lowest `created_at`.
    pub first_created_at: Option<u64>,
    /// Highest `created_at`.
    pub last_created_at: Option<u64>,
    /// Of the last ten round-trip times to open a connection.
    pub open: Average,
    /// Of the last ten round-trip times to read.
    pub read: Average,
    /// Of the last ten round-trip times to write.
    pub write: Average,
    /// What it is called (NIP-11), at most 200 characters.
    pub name: Option<String>,
    /// What it runs, at most 200 characters.
    pub software: Option<String>,
    /// Which version of it, at most 200 characters.
    pub version: Option<String>,
}

/// A mean, as what it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Average {
    /// All values together.
    pub sum: u64,
    /// How many there are; 0 when nothing was measured.
    pub count: u64,
}

impl Average {
    /// The mean, if there is one.
    #[expect(
        clippy::cast_precision_loss,
        reason = "ten round-trip times stay below 2^53 milliseconds"
    )]
    pub fn mean(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }
}

/// A kind on a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayKindFigures {
    /// The relay.
    pub relay: RelayId,
    /// The kind.
    pub kind: Kind,
    /// Events seen there.
    pub events: u64,
    /// Their different authors.
    pub authors: u64,
}

/// An author on a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthorRelayFigures {
    /// The relay.
    pub relay: RelayId,
    /// The author's events that were seen there.
    pub events: u64,
    /// Their different kinds.
    pub kinds: u64,
    /// Lowest `created_at`.
    pub first_created_at: u64,
    /// Highest `created_at`.
    pub last_created_at: u64,
}

/// A network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkFigures {
    /// The network.
    pub network: Network,
    /// Its relays.
    pub relays: u64,
    /// Different events that were seen there.
    pub events: u64,
    /// Their different authors.
    pub authors: u64,
    /// Their different kinds.
    pub kinds: u64,
}

/// What relays say they run (NIP-11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoftwareFigures {
    /// The software, at most 200 characters; `unknown` when a document does not say.
    pub software: String,
    /// Its version, likewise.
    pub version: String,
    /// How many relays.
    pub relays: u64,
}

/// The version of a replaceable event that counts: neither superseded, nor deleted, nor expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrentReplaceable {
    /// The author.
    pub pubkey: PublicKey,
    /// The kind.
    pub kind: Kind,
    /// The event.
    pub id: EventId,
    /// When it was written, unix seconds.
    pub created_at: u64,
}

/// Something that was to be brought up to date.
#[derive(Debug)]
pub struct Refreshed {
    /// Its name in SQL.
    pub name: &'static str,
    /// How long that took.
    pub elapsed: std::time::Duration,
    /// Why it is not up to date.
    pub failure: Option<StoreError>,
}

/// What a comparison of counters with what is stored came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reconciliation {
    /// Authors whose counters were compared; 0 when there was something left to fold.
    pub authors: u64,
    /// Counters that were wrong. When there are any, everything is counted anew.
    pub wrong: u64,
    /// The last of the authors, after whom the next comparison goes on; `None` when there was none.
    pub last: Option<PublicKey>,
}

/// Figures about everything that is archived, from counters that follow what commits change: an answer costs as
/// much as it has rows, at any size, and is as of the last fold.
///
/// Lists are bounded by a `limit` and go on after the last key of the list before.
#[async_trait]
pub trait FigureStore: Send + Sync {
    /// Counts what at most `max_commits` commits changed, in one transaction: it is counted and forgotten, or
    /// neither. Returns how many it were: 0 when nothing is new, and when somebody else is counting.
    async fn fold_statistics(&self, max_commits: u32) -> Result<u64, StoreError>;

    /// Brings up to date what is not counted but computed: what relays say about themselves, and what the
    /// database shows to people in these views, as far as it has them. One that fails does not keep the others from
    /// being refreshed.
    async fn refresh_statistics(
        &self,
        views: &[&'static str],
    ) -> Result<Vec<Refreshed>, StoreError>;

    /// Compares the sums of all counters with what was committed, and the counters of authors from `after` on
    /// with their events, stopping at about `max_events` events. When one is wrong, all are made anew: at once, or
    /// by the folds that follow.
    async fn reconcile_statistics(
        &self,
        after: Option<PublicKey>,
        max_events: u32,
    ) -> Result<Reconciliation, StoreError>;

    /// The whole archive, with what was written until `now` unix seconds.
    async fn archive_figures(&self, now: u64) -> Result<ArchiveFigures, StoreError>;

    /// All kinds, lowest first: there are no more than 65,536.
    async fn kind_figures(&self) -> Result<Vec<KindFigures>, StoreError>;

    /// Days, oldest first.
    async fn day_figures(
        &self,
        after: Option<u32>,
        limit: usize,
    ) -> Result<Vec<DayFigures>, StoreError>;

    /// One author; nothing when none of the author's events is stored.
    async fn author_figures(&self, pubkey: PublicKey) -> Result<Option<AuthorFigures>, StoreError>;

    /// Authors by public key.
    async fn authors_after(
        &self,
        after: Option<PublicKey>,
        limit: usize,
    ) -> Result<Vec<AuthorFigures>, StoreError>;

    /// The authors with the most events, lowest key first among equals, as of the last refresh.
    async fn top_authors(&self, limit: usize) -> Result<Vec<AuthorFigures>, StoreError>;

    /// Relays by key.
    async fn relay_figures(
        &self,
        after: Option<RelayId>,
        limit: usize,
    ) -> Result<Vec<RelayFigures>, StoreError>;

    /// Kinds on relays, by relay and kind.
    async fn relay_kind_figures(
        &self,
        after: Option<(RelayId, Kind)>,
        limit: usize,
    ) -> Result<Vec<RelayKindFigures>, StoreError>;

    /// The relays where an author was seen, by key.
    async fn author_relay_figures(
        &self,
        pubkey: PublicKey,
        after: Option<RelayId>,
        limit: usize,
    ) -> Result<Vec<AuthorRelayFigures>, StoreError>;

    /// Authors of events that were seen on a relay, those of the newest first. At most [`MAX_LOOKED_THROUGH`] rows
    /// are looked at, so that of a large relay it may be a part of them.
    async fn authors_seen_on(
        &self,
        relay: RelayId,
        limit: usize,
    ) -> Result<Vec<PublicKey>, StoreError>;

    /// Networks that have relays.
    async fn network_figures(&self) -> Result<Vec<NetworkFigures>, StoreError>;

    /// What most relays run, by software and version among equals, as of the last refresh.
    async fn software_figures(&self, limit: usize) -> Result<Vec<SoftwareFigures>, StoreError>;

    /// How many relays say that they support a NIP, lowest NIP first, as of the last refresh.
    async fn nip_figures(&self, limit: usize) -> Result<Vec<(u32, u64)>, StoreError>;

    /// The newest NIP-11 document of each relay that has one, by relay.
    async fn latest_documents(
        &self,
        after: Option<RelayId>,
        limit: usize,
    ) -> Result<Vec<RelayMetadata>, StoreError>;

    /// The version of each replaceable event that counts, by author and kind, as of the last refresh.
    async fn current_replaceables(
        &self,
        after: Option<(PublicKey, Kind)>,
        limit: usize,
    ) -> Result<Vec<CurrentReplaceable>, StoreError>;
}
