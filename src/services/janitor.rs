//! What is forgotten, and in which portions: the part of the refresher that throws things away.

use crate::config::RetentionConfig;
use crate::lifecycle::Tokens;
use crate::store::{Store, StoreError};

use super::arrival_cursor;

/// What went.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Swept {
    /// Events whose expiration has passed.
    pub expired_events: u64,
    /// Batches of the log of arrivals.
    pub arrivals: u64,
    /// Check results beyond their age.
    pub metadata: u64,
    /// Documents that nothing names any more.
    pub documents: u64,
    /// Tombstones that no longer hold anything back.
    pub tombstones: u64,
}

/// Throws away what is beyond its age at `now` unix seconds, in portions, until nothing is left to
/// throw away or the service stops.
///
/// # Errors
/// [`StoreError`] of the first portion that failed.
pub(super) async fn sweep(
    store: &dyn Store,
    retention: &RetentionConfig,
    now: u64,
    tokens: &Tokens,
) -> Result<Swept, StoreError> {
    let janitor = Janitor {
        store,
        now,
        before: now.saturating_sub(retention.metadata.as_secs()),
        portion: retention.batch_size,
        tokens,
    };
    Ok(Swept {
        arrivals: trim_arrivals(store, retention, now).await?,
        expired_events: janitor.clear(Litter::ExpiredEvents).await?,
        metadata: janitor.clear(Litter::OldMetadata).await?,
        documents: janitor.clear(Litter::OrphanDocuments).await?,
        tombstones: janitor.clear(Litter::ExpiredTombstones).await?,
    })
}

/// What is thrown away in portions.
#[derive(Debug, Clone, Copy)]
enum Litter {
    ExpiredEvents,
    OldMetadata,
    OrphanDocuments,
    ExpiredTombstones,
}

struct Janitor<'a> {
    store: &'a dyn Store,
    now: u64,
    before: u64,
    portion: u32,
    tokens: &'a Tokens,
}

impl Janitor<'_> {
    async fn clear(&self, litter: Litter) -> Result<u64, StoreError> {
        let mut total = 0;
        while !self.tokens.is_stopping() {
            let deleted = self.delete(litter).await?;
            total += deleted;
            if deleted < u64::from(self.portion) {
                break;
            }
        }
        Ok(total)
    }

    async fn delete(&self, litter: Litter) -> Result<u64, StoreError> {
        let portion = self.portion;
        match litter {
            Litter::ExpiredEvents => self.store.sweep_expired(self.now, portion as usize).await,
            Litter::OldMetadata => {
                self.store
                    .delete_expired_metadata(self.before, portion)
                    .await
            }
            Litter::OrphanDocuments => self.store.delete_orphan_metadata(portion).await,
            Litter::ExpiredTombstones => {
                self.store
                    .delete_expired_tombstones(self.now, portion)
                    .await
            }
        }
    }
}

/// Never beyond what the finder has read.
async fn trim_arrivals(
    store: &dyn Store,
    retention: &RetentionConfig,
    now: u64,
) -> Result<u64, StoreError> {
    let Some(read) = arrival_cursor::load(store).await? else {
        return Ok(0);
    };
    let before = now.saturating_sub(retention.arrivals.as_secs());
    store.trim_arrivals(read, before).await
}
