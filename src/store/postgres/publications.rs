//! Publications in PostgreSQL.

use async_trait::async_trait;
use nips::RelayUrl;

use super::PostgresStore;
use super::connection::statement;
use super::leases::{milliseconds, number};
use crate::model::Publication;
use crate::store::leases::WorkerId;
use crate::store::publications::SendLease;
use crate::store::rows::{self, integer, limit};
use crate::store::{PublicationStore, StoreError};

const QUEUE: &str = include_str!("../../../sql/postgres/queries/queue_publication.sql");
const WAITING: &str = include_str!("../../../sql/postgres/queries/waiting_publications.sql");
const LEASE: &str = include_str!("../../../sql/postgres/queries/lease_publications.sql");
const RELEASE: &str = include_str!("../../../sql/postgres/queries/release_publications.sql");
const SETTLE: &str = include_str!("../../../sql/postgres/queries/settle_publication.sql");
const COUNTS: &str = include_str!("../../../sql/postgres/queries/publication_counts.sql");
const DROP: &str = include_str!("../../../sql/postgres/queries/drop_publications.sql");

#[async_trait]
impl PublicationStore for PostgresStore {
    async fn queue_publications(&self, publications: &[Publication]) -> Result<(), StoreError> {
        let call = self.call("queue_publications");
        let mut tx = call.begin().await?;
        for publication in publications {
            let queue = statement(QUEUE)
                .bind(publication.relay.as_str())
                .bind(publication.subject.as_str())
                .bind(publication.event.0.as_slice())
                .bind(integer(publication.queued_at));
            tx.execute(queue).await?;
        }
        tx.commit().await
    }

    async fn waiting_publications(
        &self,
        relay: &RelayUrl,
        at_most: usize,
    ) -> Result<Vec<Publication>, StoreError> {
        let asked = statement(WAITING).bind(relay.as_str()).bind(limit(at_most));
        let found = self.call("waiting_publications").fetch_all(asked).await?;
        Ok(rows::readable(&found, rows::publication))
    }

    async fn lease_publications(
        &self,
        relay: &RelayUrl,
        at_most: usize,
        lease: SendLease,
    ) -> Result<Vec<Publication>, StoreError> {
        let asked = statement(LEASE)
            .bind(relay.as_str())
            .bind(limit(at_most))
            .bind(number(lease.worker))
            .bind(milliseconds(lease.length));
        let found = self.call("lease_publications").fetch_all(asked).await?;
        Ok(rows::readable(&found, rows::publication))
    }

    async fn release_publications(
        &self,
        relay: &RelayUrl,
        worker: WorkerId,
    ) -> Result<(), StoreError> {
        let ended = statement(RELEASE).bind(relay.as_str()).bind(number(worker));
        self.call("release_publications").execute(ended).await?;
        Ok(())
    }

    async fn settle_publication(&self, publication: &Publication) -> Result<(), StoreError> {
        let settle = statement(SETTLE)
            .bind(publication.relay.as_str())
            .bind(publication.subject.as_str())
            .bind(publication.event.0.as_slice());
        self.call("settle_publication").execute(settle).await?;
        Ok(())
    }

    async fn publication_counts(&self) -> Result<Vec<(RelayUrl, u64)>, StoreError> {
        let call = self.call("publication_counts");
        let found = call.fetch_all(statement(COUNTS)).await?;
        Ok(rows::readable(&found, rows::publication_count))
    }

    async fn drop_publications(&self, relay: &RelayUrl) -> Result<u64, StoreError> {
        let dropping = statement(DROP).bind(relay.as_str());
        self.call("drop_publications").execute(dropping).await
    }
}
