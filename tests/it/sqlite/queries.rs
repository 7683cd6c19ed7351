//! Every statement of `sql/sqlite/queries` prepared against a migrated database.

use std::collections::BTreeMap;
use std::path::Path;

use bigbrotr::store::sqlite::{SqliteOptions, SqliteStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection};

use crate::sql_files::Engine;

/// Statements that read a whole table or index: counts for people, asked for once a minute at most,
/// janitor's work in bounded portions, and quarantine, which is short.
const WHOLE_READS: [(&str, &[&str]); 18] = [
    ("candidate_counts", &["candidate"]),
    ("coverage_counts", &["coverage"]),
    ("delete_expired_relay_metadata", &["r"]),
    ("delete_expired_rtt", &["r"]),
    ("delete_orphan_metadata", &["m"]),
    ("gap_counts", &["gap"]),
    ("network_progress", &["coverage", "gap", "r"]),
    ("network_traffic", &["r"]),
    ("nip_figures", &["relay_statement_nip"]),
    ("publication_counts", &["publication"]),
    ("quarantined", &["q"]),
    ("quarantined_count", &["quarantine"]),
    ("relay_counts", &["relay"]),
    ("relays_behind", &["coverage", "gap", "r"]),
    ("relays_covered_since", &["coverage"]),
    ("software_figures", &["relay_statement"]),
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
    ("trim_quarantine", &["old"]),
];

#[tokio::test]
async fn no_hot_query_reads_a_whole_table() {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = migrated(&directory.path().join("store.sqlite")).await;
    let expected: BTreeMap<&str, &[&str]> = WHOLE_READS.into_iter().collect();
    for (name, text) in Engine::Sqlite.queries() {
        let whole = whole_reads(&mut connection, &text).await;
        let allowed = expected.get(name.as_str()).copied().unwrap_or_default();
        assert_eq!(whole, allowed, "tables that {name}.sql reads whole");
    }
}

#[test]
fn every_query_says_what_it_is_for() {
    Engine::Sqlite.check_form();
}

#[test]
fn every_query_is_used_and_documented() {
    Engine::Sqlite.check_use();
}

/// The tables, by the names they have in the statement, that its plan reads from end to end.
async fn whole_reads(connection: &mut SqliteConnection, statement: &str) -> Vec<String> {
    let explained = format!("EXPLAIN QUERY PLAN {statement}");
    let mut query = sqlx::query(AssertSqlSafe(explained));
    let parameters = statement.split_once("*/").unwrap().1;
    for number in 1..=9 {
        if parameters.contains(&format!("${number}")) {
            query = query.bind("[]");
        }
    }
    let plan = query.fetch_all(connection).await;
    let plan = plan.unwrap_or_else(|error| panic!("{statement}: {error}"));
    let details = plan.iter().map(|row| row.get::<String, _>("detail"));
    let mut whole: Vec<String> = details.filter_map(|detail| scanned(&detail)).collect();
    whole.sort_unstable();
    whole.dedup();
    whole
}

/// The table of a `SCAN` step, unless it is an array of parameters, a counted-out subquery, a page of
/// rows, the steps of a recursion or no table at all.
fn scanned(detail: &str) -> Option<String> {
    const NO_TABLES: [&str; 5] = ["CONSTANT", "(subquery-1)", "level", "first", "page"];
    let table = detail.strip_prefix("SCAN ")?;
    let name = table.split(' ').next()?;
    let is_table = !table.contains("VIRTUAL TABLE") && !NO_TABLES.contains(&name);
    is_table.then(|| name.to_owned())
}

async fn migrated(path: &Path) -> SqliteConnection {
    let store = SqliteStore::open(path, SqliteOptions::default()).await;
    store.unwrap().close().await;
    let options = SqliteConnectOptions::new().filename(path);
    let mut connection = options.connect().await.unwrap();
    connection.ping().await.unwrap();
    connection
}
