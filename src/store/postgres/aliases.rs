//! Aliases in PostgreSQL.

use async_trait::async_trait;
use nips::RelayUrl;

use super::PostgresStore;
use super::batch::key;
use super::connection::statement;
use crate::model::{Alias, Relay, RelayId};
use crate::store::rows::{self, integer, limit};
use crate::store::{AliasStore, StoreError};

const BESIDE: &str = include_str!("../../../sql/postgres/queries/relays_beside.sql");
const ADD: &str = include_str!("../../../sql/postgres/queries/add_alias.sql");
const FOLLOW: &str = include_str!("../../../sql/postgres/queries/follow_alias.sql");
const RETIRE: &str = include_str!("../../../sql/postgres/queries/retire_alias.sql");
const REVIVE: &str = include_str!("../../../sql/postgres/queries/revive_relay.sql");
const FORGET: &str = include_str!("../../../sql/postgres/queries/forget_alias.sql");
const TO_WITHDRAW: &str = include_str!("../../../sql/postgres/queries/aliases_to_withdraw.sql");
const WITHDRAWN: &str = include_str!("../../../sql/postgres/queries/record_withdrawal.sql");
const LOOKED_AT_BEFORE: &str =
    include_str!("../../../sql/postgres/queries/aliases_looked_at_before.sql");
const LOOKED_AT: &str = include_str!("../../../sql/postgres/queries/record_alias_look.sql");
const OF_RELAY: &str = include_str!("../../../sql/postgres/queries/aliases.sql");

#[async_trait]
impl AliasStore for PostgresStore {
    async fn relays_beside(
        &self,
        url: &RelayUrl,
        at_most: usize,
    ) -> Result<Vec<Relay>, StoreError> {
        let (base, first, last) = rows::beside(url);
        let asked = statement(BESIDE)
            .bind(base)
            .bind(first)
            .bind(last)
            .bind(limit(at_most));
        let found = self.call("relays_beside").fetch_all(asked).await?;
        Ok(rows::readable(&found, rows::relay))
    }

    async fn add_aliases(&self, aliases: &[Alias], now: u64) -> Result<(), StoreError> {
        let call = self.call("add_aliases");
        let mut tx = call.begin().await?;
        let sides = aliases.iter().flat_map(|it| [it.relay, it.canonical]);
        tx.lock_relays(sides).await?;
        for alias in aliases.iter().filter(|it| it.relay != it.canonical) {
            let (relay, canonical) = (key(alias.relay), key(alias.canonical));
            let revive = statement(REVIVE).bind(canonical).bind(integer(now));
            tx.execute(revive).await?;
            let retire = statement(RETIRE).bind(relay).bind(integer(u64::MAX));
            tx.execute(retire).await?;
            tx.execute(statement(FORGET).bind(canonical)).await?;
            tx.execute(statement(FOLLOW).bind(relay).bind(canonical))
                .await?;
            let add = statement(ADD)
                .bind(relay)
                .bind(canonical)
                .bind(alias.evidence.as_str())
                .bind(integer(alias.found_at));
            tx.execute(add).await?;
        }
        tx.commit().await
    }

    async fn aliases(&self, relay: RelayId) -> Result<Vec<Alias>, StoreError> {
        let asked = statement(OF_RELAY).bind(key(relay));
        let found = self.call("aliases").fetch_all(asked).await?;
        Ok(rows::readable(&found, rows::alias))
    }

    async fn aliases_to_withdraw(&self, at_most: usize) -> Result<Vec<Alias>, StoreError> {
        let asked = statement(TO_WITHDRAW).bind(limit(at_most));
        let found = self.call("aliases_to_withdraw").fetch_all(asked).await?;
        Ok(rows::readable(&found, rows::alias))
    }

    async fn record_withdrawal(&self, relay: RelayId, now: u64) -> Result<(), StoreError> {
        let record = statement(WITHDRAWN).bind(key(relay)).bind(integer(now));
        self.call("record_withdrawal").execute(record).await?;
        Ok(())
    }

    async fn aliases_looked_at_before(
        &self,
        moment: u64,
        at_most: usize,
    ) -> Result<Vec<Alias>, StoreError> {
        let asked = statement(LOOKED_AT_BEFORE)
            .bind(integer(moment))
            .bind(limit(at_most));
        let call = self.call("aliases_looked_at_before");
        let found = call.fetch_all(asked).await?;
        Ok(rows::readable(&found, rows::alias))
    }

    async fn record_alias_look(&self, relay: RelayId, now: u64) -> Result<(), StoreError> {
        let record = statement(LOOKED_AT).bind(key(relay)).bind(integer(now));
        self.call("record_alias_look").execute(record).await?;
        Ok(())
    }

    async fn release_alias(&self, relay: RelayId, now: u64) -> Result<(), StoreError> {
        let call = self.call("release_alias");
        let mut tx = call.begin().await?;
        tx.lock_relays([relay]).await?;
        let revive = statement(REVIVE).bind(key(relay)).bind(integer(now));
        tx.execute(revive).await?;
        tx.execute(statement(FORGET).bind(key(relay))).await?;
        tx.commit().await
    }
}
