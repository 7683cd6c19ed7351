//! Aliases in SQLite.

use async_trait::async_trait;
use nips::RelayUrl;

use crate::model::{Alias, Relay, RelayId};
use crate::store::rows::{self, integer, limit};
use crate::store::sqlite::SqliteBacked;
use crate::store::sqlite::error::during;
use crate::store::{AliasStore, StoreError};

const BESIDE: &str = include_str!("../../../sql/sqlite/queries/relays_beside.sql");
const ADD: &str = include_str!("../../../sql/sqlite/queries/add_alias.sql");
const FOLLOW: &str = include_str!("../../../sql/sqlite/queries/follow_alias.sql");
const RETIRE: &str = include_str!("../../../sql/sqlite/queries/retire_alias.sql");
const REVIVE: &str = include_str!("../../../sql/sqlite/queries/revive_relay.sql");
const FORGET: &str = include_str!("../../../sql/sqlite/queries/forget_alias.sql");
const TO_WITHDRAW: &str = include_str!("../../../sql/sqlite/queries/aliases_to_withdraw.sql");
const WITHDRAWN: &str = include_str!("../../../sql/sqlite/queries/record_withdrawal.sql");
const LOOKED_AT_BEFORE: &str =
    include_str!("../../../sql/sqlite/queries/aliases_looked_at_before.sql");
const LOOKED_AT: &str = include_str!("../../../sql/sqlite/queries/record_alias_look.sql");
const OF_RELAY: &str = include_str!("../../../sql/sqlite/queries/aliases.sql");

#[async_trait]
impl<T: SqliteBacked> AliasStore for T {
    async fn relays_beside(
        &self,
        url: &RelayUrl,
        at_most: usize,
    ) -> Result<Vec<Relay>, StoreError> {
        let (base, first, last) = rows::beside(url);
        let found = sqlx::query(BESIDE)
            .bind(base)
            .bind(first)
            .bind(last)
            .bind(limit(at_most))
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("relays_beside"))?;
        Ok(rows::readable(&found, rows::relay))
    }

    async fn add_aliases(&self, aliases: &[Alias], now: u64) -> Result<(), StoreError> {
        let failed = during("add_aliases");
        let mut tx = self.sqlite().begin("add_aliases").await?;
        for alias in aliases.iter().filter(|it| it.relay != it.canonical) {
            let (relay, canonical) = (alias.relay.0, alias.canonical.0);
            for (statement, when) in [(REVIVE, now), (RETIRE, u64::MAX)] {
                let subject = if statement == REVIVE {
                    canonical
                } else {
                    relay
                };
                sqlx::query(statement)
                    .bind(subject)
                    .bind(integer(when))
                    .execute(&mut *tx)
                    .await
                    .map_err(&failed)?;
            }
            sqlx::query(FORGET)
                .bind(canonical)
                .execute(&mut *tx)
                .await
                .map_err(&failed)?;
            sqlx::query(FOLLOW)
                .bind(relay)
                .bind(canonical)
                .execute(&mut *tx)
                .await
                .map_err(&failed)?;
            sqlx::query(ADD)
                .bind(relay)
                .bind(canonical)
                .bind(&alias.evidence)
                .bind(integer(alias.found_at))
                .execute(&mut *tx)
                .await
                .map_err(&failed)?;
        }
        tx.commit().await.map_err(&failed)
    }

    async fn aliases(&self, relay: RelayId) -> Result<Vec<Alias>, StoreError> {
        let found = sqlx::query(OF_RELAY)
            .bind(relay.0)
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("aliases"))?;
        Ok(rows::readable(&found, rows::alias))
    }

    async fn aliases_to_withdraw(&self, at_most: usize) -> Result<Vec<Alias>, StoreError> {
        let found = sqlx::query(TO_WITHDRAW)
            .bind(limit(at_most))
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("aliases_to_withdraw"))?;
        Ok(rows::readable(&found, rows::alias))
    }

    async fn record_withdrawal(&self, relay: RelayId, now: u64) -> Result<(), StoreError> {
        sqlx::query(WITHDRAWN)
            .bind(relay.0)
            .bind(integer(now))
            .execute(&self.sqlite().writer)
            .await
            .map_err(during("record_withdrawal"))?;
        Ok(())
    }

    async fn aliases_looked_at_before(
        &self,
        moment: u64,
        at_most: usize,
    ) -> Result<Vec<Alias>, StoreError> {
        let found = sqlx::query(LOOKED_AT_BEFORE)
            .bind(integer(moment))
            .bind(limit(at_most))
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("aliases_looked_at_before"))?;
        Ok(rows::readable(&found, rows::alias))
    }

    async fn record_alias_look(&self, relay: RelayId, now: u64) -> Result<(), StoreError> {
        sqlx::query(LOOKED_AT)
            .bind(relay.0)
            .bind(integer(now))
            .execute(&self.sqlite().writer)
            .await
            .map_err(during("record_alias_look"))?;
        Ok(())
    }

    async fn release_alias(&self, relay: RelayId, now: u64) -> Result<(), StoreError> {
        let failed = during("release_alias");
        let mut tx = self.sqlite().begin("release_alias").await?;
        sqlx::query(REVIVE)
            .bind(relay.0)
            .bind(integer(now))
            .execute(&mut *tx)
            .await
            .map_err(&failed)?;
        sqlx::query(FORGET)
            .bind(relay.0)
            .execute(&mut *tx)
            .await
            .map_err(&failed)?;
        tx.commit().await.map_err(&failed)
    }
}
