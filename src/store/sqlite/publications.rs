//! Publications in SQLite.

use async_trait::async_trait;
use nips::RelayUrl;

use crate::model::Publication;
use crate::store::leases::WorkerId;
use crate::store::publications::SendLease;
use crate::store::rows::{self, integer, limit};
use crate::store::sqlite::error::during;
use crate::store::sqlite::{SqliteBacked, SqliteStore};
use crate::store::{PublicationStore, StoreError};

const QUEUE: &str = include_str!("../../../sql/sqlite/queries/queue_publication.sql");
const WAITING: &str = include_str!("../../../sql/sqlite/queries/waiting_publications.sql");
const SETTLE: &str = include_str!("../../../sql/sqlite/queries/settle_publication.sql");
const COUNTS: &str = include_str!("../../../sql/sqlite/queries/publication_counts.sql");
const DROP: &str = include_str!("../../../sql/sqlite/queries/drop_publications.sql");

#[async_trait]
impl<T: SqliteBacked> PublicationStore for T {
    async fn queue_publications(&self, publications: &[Publication]) -> Result<(), StoreError> {
        let failed = during("queue_publications");
        let mut tx = self.sqlite().begin("queue_publications").await?;
        for publication in publications {
            sqlx::query(QUEUE)
                .bind(publication.relay.as_str())
                .bind(&publication.subject)
                .bind(publication.event.0.as_slice())
                .bind(integer(publication.queued_at))
                .execute(&mut *tx)
                .await
                .map_err(&failed)?;
        }
        tx.commit().await.map_err(&failed)
    }

    async fn waiting_publications(
        &self,
        relay: &RelayUrl,
        at_most: usize,
    ) -> Result<Vec<Publication>, StoreError> {
        let sending = &self.sqlite().sending;
        let mut found = waiting(self.sqlite(), relay, at_most).await?;
        found.retain(|publication| !sending.has(&key(publication)));
        found.truncate(at_most);
        Ok(found)
    }

    async fn lease_publications(
        &self,
        relay: &RelayUrl,
        at_most: usize,
        lease: SendLease,
    ) -> Result<Vec<Publication>, StoreError> {
        let sending = &self.sqlite().sending;
        let found = waiting(self.sqlite(), relay, at_most).await?.into_iter();
        let ours = found.filter(|it| sending.take(key(it), lease.worker, lease.length));
        Ok(ours.take(at_most).collect())
    }

    async fn release_publications(
        &self,
        relay: &RelayUrl,
        worker: WorkerId,
    ) -> Result<(), StoreError> {
        let sending = &self.sqlite().sending;
        sending.release(worker, |(of, _)| of == relay);
        Ok(())
    }

    async fn settle_publication(&self, publication: &Publication) -> Result<(), StoreError> {
        sqlx::query(SETTLE)
            .bind(publication.relay.as_str())
            .bind(&publication.subject)
            .bind(publication.event.0.as_slice())
            .execute(&self.sqlite().writer)
            .await
            .map_err(during("settle_publication"))?;
        Ok(())
    }

    async fn publication_counts(&self) -> Result<Vec<(RelayUrl, u64)>, StoreError> {
        let found = sqlx::query(COUNTS)
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("publication_counts"))?;
        Ok(rows::readable(&found, rows::publication_count))
    }

    async fn drop_publications(&self, relay: &RelayUrl) -> Result<u64, StoreError> {
        let dropped = sqlx::query(DROP)
            .bind(relay.as_str())
            .execute(&self.sqlite().writer)
            .await
            .map_err(during("drop_publications"))?;
        Ok(dropped.rows_affected())
    }
}

/// What a relay is to be sent next: so much that enough is left when all leases are passed over.
async fn waiting(
    sqlite: &SqliteStore,
    relay: &RelayUrl,
    at_most: usize,
) -> Result<Vec<Publication>, StoreError> {
    let found = sqlx::query(WAITING)
        .bind(relay.as_str())
        .bind(limit(at_most.saturating_add(sqlite.sending.len())))
        .fetch_all(&sqlite.readers)
        .await
        .map_err(during("waiting_publications"))?;
    Ok(rows::readable(&found, rows::publication))
}

/// What is leased: whatever is said about the subject meanwhile.
fn key(publication: &Publication) -> (RelayUrl, String) {
    (publication.relay.clone(), publication.subject.clone())
}
