//! Traffic in PostgreSQL.

use async_trait::async_trait;

use super::PostgresStore;
use super::batch::key;
use super::connection::statement;
use crate::model::{NetworkTraffic, News, RelayId, RelayNews, RelayTraffic, Traffic};
use crate::store::rows::{self, integer, limit};
use crate::store::{StoreError, TrafficStore};

const ADD: &str = include_str!("../../../sql/postgres/queries/add_traffic.sql");
const OF_RELAY: &str = include_str!("../../../sql/postgres/queries/traffic.sql");
const FRESHEST: &str = include_str!("../../../sql/postgres/queries/freshest.sql");
const OF_NETWORKS: &str = include_str!("../../../sql/postgres/queries/network_traffic.sql");

#[async_trait]
impl TrafficStore for PostgresStore {
    async fn add_traffic(
        &self,
        relay: RelayId,
        received: Traffic,
        news: News,
    ) -> Result<(), StoreError> {
        let add = statement(ADD)
            .bind(key(relay))
            .bind(integer(received.received_bytes))
            .bind(integer(received.new_events))
            .bind(integer(received.known_events))
            .bind(integer(received.refused_events))
            .bind(integer(news.fresh_until))
            .bind(news.is_caught_up);
        self.call("add_traffic").execute_by_key(add).await
    }

    async fn traffic(&self, relay: RelayId) -> Result<RelayTraffic, StoreError> {
        let asked = statement(OF_RELAY).bind(key(relay));
        let found = self.call("traffic").fetch_optional(asked).await?;
        found
            .as_ref()
            .map_or(Ok(RelayTraffic::default()), rows::relay_traffic)
    }

    async fn freshest(&self, now: u64, at_most: usize) -> Result<Vec<RelayNews>, StoreError> {
        let asked = statement(FRESHEST).bind(integer(now)).bind(limit(at_most));
        let found = self.call("freshest").fetch_all(asked).await?;
        Ok(rows::readable(&found, rows::relay_news))
    }

    async fn network_traffic(&self) -> Result<Vec<NetworkTraffic>, StoreError> {
        let asked = statement(OF_NETWORKS);
        let found = self.call("network_traffic").fetch_all(asked).await?;
        Ok(rows::readable(&found, rows::network_traffic))
    }
}
