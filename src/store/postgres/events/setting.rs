//! Telling the database how this archive reads events, for those that come through SQL.

use nips::RelayUrl;

use crate::store::StoreError;
use crate::store::postgres::PostgresStore;
use crate::store::postgres::connection::statement;

const SETTING: &str = include_str!("../../../../sql/postgres/queries/event_setting.sql");

impl PostgresStore {
    /// Notes the rules down where they differ from what is noted.
    pub(in crate::store::postgres) async fn note_setting(&self) -> Result<(), StoreError> {
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
