//! Every statement of `sql/postgres/queries`, prepared against a migrated database, and what its plan reads
//! once the tables are large.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor, PgConnection, Row};

use super::server::{Database, execute};
use crate::sql_files::Engine;

/// The tables that `large.sql` fills.
const LARGE_TABLES: [&str; 9] = [
    "candidate",
    "candidate_tombstone",
    "coverage",
    "gap",
    "metadata",
    "relay",
    "relay_metadata",
    "relay_rtt",
    "service_state",
];

/// Statements that read a large table or its index whole: counts for people, asked for once a minute at most,
/// and janitor's work in bounded portions.
const WHOLE_READS: [(&str, &[&str]); 12] = [
    ("candidate_counts", &["candidate"]),
    ("coverage_counts", &["coverage"]),
    ("delete_expired_relay_metadata", &["relay_metadata"]),
    ("delete_expired_rtt", &["relay"]),
    ("delete_orphan_metadata", &["metadata", "relay_metadata"]),
    ("gap_counts", &["gap"]),
    ("network_figures", &["relay"]),
    ("network_progress", &["coverage", "gap", "relay"]),
    ("relay_counts", &["relay"]),
    ("relays_behind", &["coverage", "gap", "relay"]),
    ("relays_covered_since", &["coverage"]),
    (
        "totals",
        &[
            "candidate",
            "candidate_tombstone",
            "coverage",
            "gap",
            "metadata",
            "relay",
            "relay_metadata",
            "relay_rtt",
        ],
    ),
];

/// The statements that services run all the time, and the index that each is made for.
const INDEXES: [(&str, &str); 10] = [
    ("due_for_check", "relay_by_check"),
    ("due_for_sync", "relay_by_sync"),
    ("due_levels", "candidate_by_attempt"),
    ("due_candidates", "candidate_by_attempt"),
    ("coverage", "coverage_pkey"),
    ("intervals_within", "coverage_pkey"),
    ("gaps", "gap_pkey"),
    ("gaps_within", "gap_pkey"),
    ("relay_by_url", "relay_url_key"),
    ("latest_metadata", "relay_metadata_pkey"),
];

#[test]
fn every_query_says_what_it_is_for() {
    Engine::Postgres.check_form();
}

#[test]
fn every_query_is_used_and_documented() {
    Engine::Postgres.check_use();
}

#[tokio::test]
async fn every_query_fits_the_schema() {
    let database = Database::create().await;
    let mut connection = database.connect().await;
    let queries = Engine::Postgres.queries();
    assert!(queries.len() > 40);
    for (name, text) in queries {
        prepare(&mut connection, &name, &text).await;
    }
}

#[tokio::test]
async fn no_hot_query_reads_a_large_table_whole() {
    let database = Database::create().await;
    let mut connection = database.connect().await;
    execute(&mut connection, include_str!("large.sql")).await;
    // As the program runs them: planned for the values they have.
    execute(&mut connection, "SET plan_cache_mode = force_custom_plan").await;
    let mut whole_reads: BTreeMap<&str, &[&str]> = WHOLE_READS.into_iter().collect();
    let mut indexes: BTreeMap<&str, &str> = INDEXES.into_iter().collect();
    for (name, text) in Engine::Postgres.queries() {
        let plan = plan(&mut connection, &name, &text).await;
        let whole: Vec<&str> = plan.whole.iter().map(String::as_str).collect();
        let allowed = whole_reads.remove(name.as_str()).unwrap_or_default();
        assert_eq!(whole, allowed, "large tables that {name}.sql reads whole");
        if let Some(index) = indexes.remove(name.as_str()) {
            assert!(plan.indexes.contains(index), "{name}.sql: {plan:?}");
        }
    }
    assert!(
        whole_reads.is_empty() && indexes.is_empty(),
        "no such query"
    );
}

/// What a statement reads.
#[derive(Debug, Default)]
struct Plan {
    /// Large tables from end to end.
    whole: BTreeSet<String>,
    /// Indexes by a condition.
    indexes: BTreeSet<String>,
}

impl Plan {
    fn read(&mut self, node: &Value) {
        let text = |key: &str| node[key].as_str().unwrap_or_default().to_owned();
        let is_scan = [
            "Seq Scan",
            "Index Scan",
            "Index Only Scan",
            "Bitmap Index Scan",
        ]
        .contains(&text("Node Type").as_str());
        if is_scan && node["Index Cond"].is_string() {
            self.indexes.insert(text("Index Name"));
        } else if is_scan && LARGE_TABLES.contains(&text("Relation Name").as_str()) {
            self.whole.insert(text("Relation Name"));
        }
        for child in node["Plans"].as_array().into_iter().flatten() {
            self.read(child);
        }
    }
}

/// The plan of a statement, for values that leave it something to do.
async fn plan(connection: &mut PgConnection, name: &str, text: &str) -> Plan {
    let types = prepare(connection, name, text).await;
    let values: Vec<&str> = types.iter().map(|of| value(of)).collect();
    let mut explain = format!("EXPLAIN (FORMAT JSON) EXECUTE {name}");
    if !values.is_empty() {
        explain.push_str(&format!("({})", values.join(", ")));
    }
    let explain = sqlx::raw_sql(AssertSqlSafe(explain));
    let row = connection.fetch_one(explain).await.unwrap();
    let explained = row.try_get_raw(0).unwrap().as_str().unwrap().to_owned();
    let explained: Value = serde_json::from_str(&explained).unwrap();
    let mut plan = Plan::default();
    plan.read(&explained[0]["Plan"]);
    plan
}

/// Prepares a statement under its name. Returns the types of its parameters.
async fn prepare(connection: &mut PgConnection, name: &str, text: &str) -> Vec<String> {
    let prepare = format!("PREPARE {name} AS {text}");
    let prepared = sqlx::query(AssertSqlSafe(prepare));
    if let Err(error) = prepared.execute(&mut *connection).await {
        panic!("{name}.sql: {error}");
    }
    sqlx::query_scalar("SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = $1")
        .bind(name)
        .fetch_one(connection)
        .await
        .unwrap()
}

/// A value of a type: in the middle of what `large.sql` makes.
fn value(of: &str) -> &'static str {
    match of {
        "text" => "'clearnet'",
        "text[]" => "ARRAY['clearnet', 'tor']",
        "smallint[]" => "ARRAY[0, 0]::smallint[]",
        "boolean[]" => "ARRAY[false, false]",
        "integer" | "smallint" => "10",
        "bigint" => "500",
        "integer[]" => "ARRAY[1, 2]",
        "bigint[]" => "ARRAY[500, 1700000100]",
        "boolean" => "true",
        "bytea" => r"'\x00'",
        "bytea[]" => r"ARRAY['\x00'::bytea, '\x01']",
        other => panic!("no value of type {other}"),
    }
}
