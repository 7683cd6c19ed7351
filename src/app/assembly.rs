//! What stands behind `store.url`: one of two assemblies.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::settings;
use crate::clock::Clock;
use crate::config::Config;
use crate::metrics::StoreMetrics;
use crate::store::embedded::{Embedded, EmbeddedOptions};
use crate::store::events::BatchNumber;
use crate::store::postgres::{ACQUIRE_TIMEOUT, PostgresOptions, PostgresReplica, PostgresStore};
use crate::store::serving::{Replica, ServingIndex, ServingOptions};
use crate::store::sqlite::SqliteOptions;
use crate::store::{Store, StoreError};

/// How long followers that have nothing to be told are left alone: one that failed to read what it was told of
/// looks again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// An opened store, by its concrete kind.
pub(super) enum Assembly {
    /// LMDB and SQLite under the data directory.
    Embedded(Arc<Embedded>),
    /// Everything in one database.
    Postgres(Arc<PostgresStore>),
}

impl Assembly {
    /// Opens the store that is configured, and brings its schema up to date unless that is switched off.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(super) async fn open(config: &Config, metrics: StoreMetrics) -> Result<Self> {
        Ok(if config.brotr.store.is_embedded() {
            let options = embedded_options(config);
            Self::Embedded(Arc::new(Embedded::open(&config.data_dir, options).await?))
        } else {
            let options = postgres_options(config, metrics);
            Self::Postgres(Arc::new(PostgresStore::open(options).await?))
        })
    }

    /// The store, whatever it is.
    pub(super) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Embedded(embedded) => embedded.clone(),
            Self::Postgres(postgres) => postgres.clone(),
        }
    }

    /// The index that a relay in front of a database answers from; an embedded store is one itself.
    ///
    /// # Errors
    /// When it cannot be opened, or the database not be asked.
    pub(super) async fn serving_index(
        &self,
        config: &Config,
        metrics: StoreMetrics,
        clock: &Arc<dyn Clock>,
    ) -> Result<Option<Arc<ServingIndex>>> {
        let Self::Postgres(postgres) = self else {
            return Ok(None);
        };
        let archive_id = postgres.archive_id().await?;
        let options = ServingOptions {
            path: config.data_dir.join("serving"),
            replica: replica(config, metrics, &archive_id)?,
            archive_id,
            own_relay_urls: settings::own_relay_urls(&config.relay),
        };
        let index = ServingIndex::open(postgres.clone(), Arc::clone(clock), options).await;
        let index = index.context("could not open the relay's serving index")?;
        Ok(Some(Arc::new(index)))
    }

    /// Gives the roles of a database the passwords that the configuration has for them. Returns their
    /// names; an embedded store has none.
    ///
    /// # Errors
    /// [`StoreError`] when this role may not do that.
    pub(super) async fn set_passwords(
        &self,
        config: &Config,
    ) -> Result<Vec<&'static str>, StoreError> {
        let mut set = Vec::new();
        if let Self::Postgres(postgres) = self {
            for (role, password) in &config.secrets.role_passwords {
                postgres
                    .set_password(role, password.secret.expose())
                    .await?;
                set.push(*role);
            }
        }
        Ok(set)
    }

    /// What notifies everybody in `followers` when another process may have stored events, until told to
    /// stop; `None` when no other process can.
    pub(super) fn watch_others(
        &self,
        followers: Vec<Arc<Notify>>,
        soft: &CancellationToken,
    ) -> Option<impl Future<Output = ()> + Send + use<>> {
        let Self::Postgres(postgres) = self else {
            return None;
        };
        let (mut feed, soft) = (postgres.feed(BatchNumber::default()), soft.clone());
        Some(async move {
            loop {
                tokio::select! {
                    arrived = timeout(LOOK_AGAIN, feed.arrived()) => match arrived {
                        Ok(Ok(_)) | Err(_) => followers.iter().for_each(|follower| follower.notify_one()),
                        // Only a store that was closed has nothing more to tell.
                        Ok(Err(_)) => return,
                    },
                    () = soft.cancelled() => return,
                }
            }
        })
    }

    /// Closes it. Whatever was acknowledged is durable already.
    pub(super) async fn close(&self) {
        match self {
            Self::Embedded(embedded) => embedded.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        }
    }
}

pub(super) fn embedded_options(config: &Config) -> EmbeddedOptions {
    EmbeddedOptions {
        whole_kinds: settings::whole_kinds(&config.brotr.archive),
        own_relay_urls: settings::own_relay_urls(&config.relay),
        relational: SqliteOptions {
            is_migrating: config.brotr.store.migrate,
            ..SqliteOptions::default()
        },
        ..EmbeddedOptions::default()
    }
}

/// The replica that is configured, which need not be there yet.
fn replica(
    config: &Config,
    metrics: StoreMetrics,
    archive_id: &str,
) -> Result<Option<Arc<dyn Replica>>> {
    let Some(url) = config.brotr.store.replica_url() else {
        return Ok(None);
    };
    let options = PostgresOptions {
        url,
        ..postgres_options(config, metrics)
    };
    let replica = PostgresReplica::of(archive_id.to_owned(), options)?;
    Ok(Some(Arc::new(replica)))
}

fn postgres_options(config: &Config, metrics: StoreMetrics) -> PostgresOptions {
    let store = &config.brotr.store;
    let password = config.secrets.database_password.as_ref();
    PostgresOptions {
        url: store.url.clone(),
        direct_url: store.direct_url(),
        password: password.map(|password| password.secret.expose().to_owned()),
        max_connections: store.max_connections,
        acquire_timeout: ACQUIRE_TIMEOUT,
        is_migrating: store.migrate,
        whole_kinds: settings::whole_kinds(&config.brotr.archive),
        own_relay_urls: settings::own_relay_urls(&config.relay),
        metrics,
    }
}
