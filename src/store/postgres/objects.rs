//! Functions, views and grants: applied again, in this order, whenever the text of one changes.

use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use super::connection::statement;

/// The name and the text of a file of `sql/postgres`.
macro_rules! object {
    ($path:literal) => {
        (
            $path,
            include_str!(concat!("../../../sql/postgres/", $path)),
        )
    };
}

/// What replaces itself: functions, then views, then grants.
const OBJECTS: &[(&str, &str)] = &[
    object!("functions/canonical_json.sql"),
    object!("functions/readable_json.sql"),
    object!("functions/nip11_of_relay.sql"),
    object!("functions/relay_insert.sql"),
    object!("functions/metadata_insert.sql"),
    object!("functions/relay_metadata_insert.sql"),
    object!("functions/relay_metadata_insert_cascade.sql"),
    object!("functions/service_state_upsert.sql"),
    object!("functions/service_state_get.sql"),
    object!("functions/service_state_delete.sql"),
    object!("functions/orphan_metadata_delete.sql"),
    object!("functions/relay_metadata_delete_expired.sql"),
    object!("functions/relay_metadata_latest_refresh.sql"),
    object!("functions/tag_hash.sql"),
    object!("functions/address_key.sql"),
    object!("functions/json_without_nul.sql"),
    object!("functions/tags_to_tagvalues.sql"),
    object!("functions/tags_to_json.sql"),
    object!("functions/event_key.sql"),
    object!("functions/are_among.sql"),
    object!("functions/current_version.sql"),
    object!("functions/event_known.sql"),
    object!("functions/event_deleted.sql"),
    object!("functions/event_settle.sql"),
    object!("functions/event_remove.sql"),
    object!("functions/event_vanish.sql"),
    object!("functions/event_place.sql"),
    object!("functions/event_mark.sql"),
    object!("functions/event_judge.sql"),
    object!("functions/event_recant.sql"),
    object!("functions/event_write.sql"),
    object!("functions/event_facts.sql"),
    object!("functions/event_write_rows.sql"),
    object!("functions/event_insert.sql"),
    object!("functions/event_relay_insert.sql"),
    object!("functions/event_relay_insert_cascade.sql"),
    object!("functions/orphan_event_delete.sql"),
    object!("functions/event_sweep_expired.sql"),
    object!("functions/event_partitions_cover.sql"),
    object!("functions/event_partitions_extend.sql"),
    object!("functions/kind_category.sql"),
    object!("functions/events_within.sql"),
    object!("views/event_fact.sql"),
    object!("functions/statistics_subjects.sql"),
    object!("functions/statistics_take.sql"),
    object!("functions/statistics_shrink_events.sql"),
    object!("functions/statistics_fold_events.sql"),
    object!("functions/statistics_fold_networks.sql"),
    object!("functions/statistics_author_bounds.sql"),
    object!("functions/statistics_shrink_sightings.sql"),
    object!("functions/statistics_shrink_authors.sql"),
    object!("functions/statistics_fold_authors.sql"),
    object!("functions/statistics_shrink_relays.sql"),
    object!("functions/statistics_fold_sightings.sql"),
    object!("functions/statistics_fold.sql"),
    object!("functions/statistics_reconcile.sql"),
    object!("functions/statistics_check.sql"),
    object!("functions/statistics_refresh.sql"),
    object!("views/nostr_schema.sql"),
    object!("views/nostr_relay.sql"),
    object!("views/nostr_metadata.sql"),
    object!("views/nostr_relay_metadata.sql"),
    object!("views/nostr_service_state.sql"),
    object!("views/relay_metadata_latest.sql"),
    object!("views/nostr_event.sql"),
    object!("views/nostr_event_relay.sql"),
    object!("views/nostr_event_visibility.sql"),
    object!("views/nip11_latest.sql"),
    object!("views/event_stats.sql"),
    object!("views/relay_stats.sql"),
    object!("views/kind_counts.sql"),
    object!("views/kind_counts_by_relay.sql"),
    object!("views/pubkey_counts.sql"),
    object!("views/pubkey_counts_by_relay.sql"),
    object!("views/network_stats.sql"),
    object!("views/event_daily_counts.sql"),
    object!("views/events_replaceable_latest.sql"),
    object!("views/events_addressable_latest.sql"),
    object!("views/relay_software_counts.sql"),
    object!("views/supported_nip_counts.sql"),
    object!("functions/event_stats_refresh.sql"),
    object!("functions/relay_stats_refresh.sql"),
    object!("functions/kind_counts_refresh.sql"),
    object!("functions/kind_counts_by_relay_refresh.sql"),
    object!("functions/pubkey_counts_refresh.sql"),
    object!("functions/pubkey_counts_by_relay_refresh.sql"),
    object!("functions/network_stats_refresh.sql"),
    object!("functions/event_daily_counts_refresh.sql"),
    object!("functions/events_replaceable_latest_refresh.sql"),
    object!("functions/events_addressable_latest_refresh.sql"),
    object!("functions/relay_software_counts_refresh.sql"),
    object!("functions/supported_nip_counts_refresh.sql"),
    object!("functions/all_statistics_refresh.sql"),
    object!("grants/roles.sql"),
    object!("grants/privileges.sql"),
    object!("grants/owners.sql"),
];

/// One process at a time; any number will do as long as it is always the same.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7261940115)";

const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_object (
    name TEXT PRIMARY KEY, sha256 BYTEA NOT NULL)";

const EXISTS: &str = "SELECT to_regclass('schema_object') IS NOT NULL";

const APPLIED: &str = "SELECT name, sha256 FROM schema_object";

const REMEMBER: &str = "INSERT INTO schema_object (name, sha256) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET sha256 = excluded.sha256";

/// Whether everything is as it should be, which any role may find out.
pub(super) async fn are_applied(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let exists = statement(EXISTS).fetch_one(&mut *connection).await?;
    Ok(exists.try_get(0)? && changed(connection).await?.is_empty())
}

/// Applies everything from the first object on whose text is not the one that was applied: a later one may
/// depend on it. All of it or nothing.
pub(super) async fn apply(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let mut tx = connection.begin().await?;
    tx.execute("SET LOCAL client_min_messages = warning")
        .await?;
    tx.execute(LOCK).await?;
    tx.execute(CREATE_TABLE).await?;
    let changed = changed(&mut tx).await?;
    for name in changed.iter().rev().filter_map(materialized) {
        let drop = format!("DROP MATERIALIZED VIEW IF EXISTS {name}");
        tx.execute(sqlx::raw_sql(AssertSqlSafe(drop))).await?;
    }
    for (name, text) in changed {
        tx.execute(sqlx::raw_sql(*text)).await?;
        statement(REMEMBER)
            .bind(name)
            .bind(sha256(text))
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await
}

/// The objects from the first one on that is not applied.
async fn changed(
    connection: &mut PgConnection,
) -> Result<&'static [(&'static str, &'static str)], sqlx::Error> {
    let mut applied: Vec<(String, Vec<u8>)> = Vec::new();
    for row in statement(APPLIED).fetch_all(connection).await? {
        applied.push((row.try_get("name")?, row.try_get("sha256")?));
    }
    let is_applied = |(name, text): &(&str, &str)| {
        let hash = sha256(text);
        let mut known = applied.iter();
        known.any(|(known, of)| known == name && of.as_slice() == hash)
    };
    let first = OBJECTS.iter().position(|object| !is_applied(object));
    Ok(&OBJECTS[first.unwrap_or(OBJECTS.len())..])
}

/// The name of a materialized view, which unlike other objects cannot be replaced in its place.
fn materialized((path, text): &(&'static str, &str)) -> Option<&'static str> {
    let name = path.strip_prefix("views/")?.strip_suffix(".sql")?;
    text.contains("CREATE MATERIALIZED VIEW").then_some(name)
}

fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}
