//! Telling the database how this archive reads events, for those that come through SQL.

use nips::RelayUrl;
use sqlx::Row;

use crate::store::StoreError;
use crate::store::postgres::PostgresStore;
use crate::store::postgres::connection::statement;
use crate::store::postgres::error::during;

const MAY_WRITE: &str = include_str!("../../../../sql/postgres/queries/may_write.sql");
const SETTING: &str = include_str!("../../../../sql/postgres/queries/event_setting.sql");

impl PostgresStore {
    /// Whether this role may write at all; a reader finds what writers have prepared.
    pub(super) async fn may_write(&self) -> Result<bool, StoreError> {
        let mut session = self.writing("open").await?;
        let row = session.row(statement(MAY_WRITE)).await?;
        session.commit().await?;
        row.try_get("may_write").map_err(during("open"))
    }

    /// Notes the rules down where they differ from what is noted.
    pub(super) async fn note_setting(&self) -> Result<(), StoreError> {
        let rules = &self.rules;
        let kinds = rules.whole_kinds();
        let kinds: Option<Vec<i32>> =
            kinds.map(|kinds| kinds.iter().map(|kind| i32::from(kind.0)).collect());
        let urls: Vec<&str> = rules
            .own_relay_urls()
            .iter()
            .map(RelayUrl::as_str)
            .collect();
        let mut session = self.writing("open").await?;
        session
            .rows(statement(SETTING).bind(kinds).bind(urls))
            .await?;
        session.commit().await
    }
}
