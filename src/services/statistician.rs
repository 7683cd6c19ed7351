//! Figures that keep up: the part of the refresher that counts, refreshes views, and checks what it counted.

use nips::PublicKey;
use serde_json::json;
use tracing::{debug, warn};

use crate::config::RefreshConfig;
use crate::lifecycle::Tokens;
use crate::model::{ServiceName, ServiceState, StateType};
use crate::store::{Store, StoreError};

/// Commits counted in one transaction: of large batches, a few hundred thousand sightings.
const COMMITS_PER_FOLD: u32 = 256;

/// Key of the row that says which author was compared last.
const KEY: &str = "comparison";

/// What was done.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Counted {
    /// Commits that were counted.
    pub commits: u64,
    /// Views that were brought up to date.
    pub views_refreshed: u64,
    /// Views that could not be.
    pub views_failed: u64,
    /// Authors whose counters were compared with what is stored.
    pub compared_authors: u64,
    /// Counters that were wrong; all are made anew then.
    pub wrong_counters: u64,
}

/// Counts what is new, refreshes what people see of it, and compares a part with what is stored: each time the
/// authors after those of the last time.
///
/// # Errors
/// [`StoreError`] of the first step that failed; a view that fails is none.
pub(super) async fn count(
    store: &dyn Store,
    config: &RefreshConfig,
    now: u64,
    tokens: &Tokens,
) -> Result<Counted, StoreError> {
    let mut counted = Counted {
        commits: fold(store, tokens).await?,
        ..Counted::default()
    };
    if tokens.is_stopping() {
        return Ok(counted);
    }
    refresh(store, config, &mut counted).await?;
    if config.compared_events > 0 && !tokens.is_stopping() {
        compare(store, config, now, &mut counted).await?;
    }
    if counted.wrong_counters > 0 {
        counted.commits += fold(store, tokens).await?;
    }
    Ok(counted)
}

async fn fold(store: &dyn Store, tokens: &Tokens) -> Result<u64, StoreError> {
    let mut commits = 0;
    while !tokens.is_stopping() {
        let folded = store.fold_statistics(COMMITS_PER_FOLD).await?;
        if folded == 0 {
            break;
        }
        commits += folded;
    }
    Ok(commits)
}

async fn refresh(
    store: &dyn Store,
    config: &RefreshConfig,
    counted: &mut Counted,
) -> Result<(), StoreError> {
    for view in store.refresh_statistics(&config.named_views()).await? {
        let duration_ms = u64::try_from(view.elapsed.as_millis()).unwrap_or(u64::MAX);
        match view.failure {
            None => {
                counted.views_refreshed += 1;
                debug!(view = view.name, duration_ms, "view_refreshed");
            }
            Some(error) => {
                counted.views_failed += 1;
                let reason = error.reason();
                warn!(view = view.name, duration_ms, reason, %error, "view_refresh_failed");
            }
        }
    }
    Ok(())
}

async fn compare(
    store: &dyn Store,
    config: &RefreshConfig,
    now: u64,
    counted: &mut Counted,
) -> Result<(), StoreError> {
    let row = store.state(ServiceName::Refresher, StateType::Cursor, KEY);
    let last = row.await?.and_then(|row| {
        let pubkey = row.value.get("pubkey")?.as_str()?.to_owned();
        PublicKey::from_hex(&pubkey).ok()
    });
    let found = store
        .reconcile_statistics(last, config.compared_events)
        .await?;
    counted.compared_authors = found.authors;
    counted.wrong_counters = found.wrong;
    if found.wrong > 0 {
        warn!(count = found.wrong, "statistics_repaired");
    }
    let row = ServiceState {
        service: ServiceName::Refresher,
        state_type: StateType::Cursor,
        key: KEY.to_owned(),
        // After the last author it begins with the first again.
        value: json!({ "pubkey": found.last.map(|pubkey| pubkey.to_hex()) }),
        updated_at: now,
    };
    store.put_states(&[row]).await?;
    Ok(())
}
