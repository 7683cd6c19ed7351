//! Partitions for the time to come.

use crate::store::StoreError;
use crate::store::postgres::PostgresStore;
use crate::store::postgres::connection::statement;

const EXTEND: &str = include_str!("../../../../sql/postgres/queries/event_partitions_extend.sql");

impl PostgresStore {
    /// Makes partitions for the quarters that begin within half a year, if they are missing. When the tables are
    /// busy it is left for the next time: until then the events of those quarters go where all that is
    /// later goes.
    pub(super) async fn extend_partitions(&self) -> Result<(), StoreError> {
        let mut session = self.writing("extend_partitions").await?;
        session.rows(statement(EXTEND)).await?;
        session.commit().await
    }
}
