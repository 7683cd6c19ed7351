//! What makes several processes wait for each other, always until the end of a transaction.

use super::batch::key;
use super::call::Transaction;
use super::connection::statement;
use crate::model::RelayId;
use crate::store::StoreError;

const LOCK_SHARED: &str = include_str!("../../../sql/postgres/queries/lock_shared.sql");
const LOCK_EXCLUSIVE: &str = include_str!("../../../sql/postgres/queries/lock_exclusive.sql");
const LOCK_RELAYS: &str = include_str!("../../../sql/postgres/queries/lock_relays.sql");

/// What must not change meanwhile although no row stands for it. The stored functions know the numbers
/// too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i64)]
pub(super) enum Lock {
    /// Whether a URL is a relay, a candidate or given up: shared by those who make relays, exclusive
    /// for those who add candidates or give them up.
    Urls = 7_261_940_116,
    /// Whether a document is named: shared by those who name documents, exclusive for those who
    /// delete what nothing names.
    Documents = 7_261_940_117,
}

impl Transaction<'_> {
    /// Takes a lock together with others that share it.
    pub(super) async fn share(&mut self, lock: Lock) -> Result<(), StoreError> {
        let wait = statement(LOCK_SHARED).bind(lock as i64);
        self.execute(wait).await.map(|_| ())
    }

    /// Takes a lock alone.
    pub(super) async fn lock(&mut self, lock: Lock) -> Result<(), StoreError> {
        let wait = statement(LOCK_EXCLUSIVE).bind(lock as i64);
        self.execute(wait).await.map(|_| ())
    }

    /// Takes the rows of relays, in the order of their keys. An unknown relay is a mistake of the
    /// caller.
    pub(super) async fn lock_relays(
        &mut self,
        relays: impl IntoIterator<Item = RelayId>,
    ) -> Result<(), StoreError> {
        let mut keys: Vec<i64> = relays.into_iter().map(key).collect();
        keys.sort_unstable();
        keys.dedup();
        let asked = keys.len();
        let found = self.fetch_all(statement(LOCK_RELAYS).bind(keys)).await?;
        if found.len() < asked {
            return Err(self.no_row());
        }
        Ok(())
    }
}
