//! Traffic in SQLite.

use async_trait::async_trait;

use crate::model::{NetworkTraffic, News, RelayId, RelayNews, RelayTraffic, Traffic};
use crate::store::rows::{self, integer, limit};
use crate::store::sqlite::SqliteBacked;
use crate::store::sqlite::error::during;
use crate::store::{StoreError, TrafficStore};

const ADD: &str = include_str!("../../../sql/sqlite/queries/add_traffic.sql");
const OF_RELAY: &str = include_str!("../../../sql/sqlite/queries/traffic.sql");
const FRESHEST: &str = include_str!("../../../sql/sqlite/queries/freshest.sql");
const OF_NETWORKS: &str = include_str!("../../../sql/sqlite/queries/network_traffic.sql");

#[async_trait]
impl<T: SqliteBacked> TrafficStore for T {
    async fn add_traffic(
        &self,
        relay: RelayId,
        received: Traffic,
        news: News,
    ) -> Result<(), StoreError> {
        sqlx::query(ADD)
            .bind(relay.0)
            .bind(integer(received.received_bytes))
            .bind(integer(received.new_events))
            .bind(integer(received.known_events))
            .bind(integer(received.refused_events))
            .bind(integer(news.fresh_until))
            .bind(news.is_caught_up)
            .execute(&self.sqlite().writer)
            .await
            .map_err(during("add_traffic"))?;
        Ok(())
    }

    async fn traffic(&self, relay: RelayId) -> Result<RelayTraffic, StoreError> {
        let found = sqlx::query(OF_RELAY)
            .bind(relay.0)
            .fetch_optional(&self.sqlite().readers)
            .await
            .map_err(during("traffic"))?;
        found
            .as_ref()
            .map_or(Ok(RelayTraffic::default()), rows::relay_traffic)
    }

    async fn freshest(&self, now: u64, at_most: usize) -> Result<Vec<RelayNews>, StoreError> {
        let found = sqlx::query(FRESHEST)
            .bind(integer(now))
            .bind(limit(at_most))
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("freshest"))?;
        Ok(rows::readable(&found, rows::relay_news))
    }

    async fn network_traffic(&self) -> Result<Vec<NetworkTraffic>, StoreError> {
        let found = sqlx::query(OF_NETWORKS)
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("network_traffic"))?;
        Ok(rows::readable(&found, rows::network_traffic))
    }
}
