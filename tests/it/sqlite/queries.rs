//! Every statement of `sql/sqlite/queries` prepared against a migrated database.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bigbrotr::store::sqlite::{SqliteOptions, SqliteStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection};

/// Statements that read a whole table or index: counts for people, asked for once a minute at most,
/// and janitor's work in bounded portions.
const WHOLE_READS: [(&str, &[&str]); 9] = [
    ("candidate_counts", &["candidate"]),
    ("coverage_counts", &["coverage"]),
    ("delete_expired_relay_metadata", &["r"]),
    ("delete_expired_rtt", &["r"]),
    ("delete_orphan_metadata", &["m"]),
    ("gap_counts", &["gap"]),
    ("relay_counts", &["relay"]),
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

#[tokio::test]
async fn no_hot_query_reads_a_whole_table() {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = migrated(&directory.path().join("store.sqlite")).await;
    let expected: BTreeMap<&str, &[&str]> = WHOLE_READS.into_iter().collect();
    for (name, text) in queries() {
        let whole = whole_reads(&mut connection, &text).await;
        let allowed = expected.get(name.as_str()).copied().unwrap_or_default();
        assert_eq!(whole, allowed, "tables that {name}.sql reads whole");
    }
}

#[test]
fn every_query_says_what_it_is_for() {
    for (name, text) in queries() {
        assert!(text.starts_with("/*\n"), "{name}.sql has a head comment");
        let (head, statement) = text.split_once("*/").unwrap();
        for heading in ["Purpose:", "Parameters:", "Result:", "Caller:", "Index:"] {
            assert!(head.contains(heading), "{name}.sql lacks {heading}");
        }
        assert!(
            !statement.contains("SELECT *"),
            "{name}.sql names its columns"
        );
        assert!(!statement.contains(';'), "{name}.sql is one statement");
    }
}

#[test]
fn every_query_is_used_and_documented() {
    let readme = fs::read_to_string(root().join("sql/README.md")).unwrap();
    let code: String = files(root().join("src/store/sqlite"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    for (name, _) in queries() {
        assert!(
            code.contains(&format!("queries/{name}.sql")),
            "{name}.sql is unused"
        );
        assert!(
            readme.contains(&format!("`{name}`")),
            "sql/README.md lacks {name}"
        );
    }
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

/// The table of a `SCAN` step, unless it is an array of parameters, a counted-out subquery, the steps
/// of a recursion or no table at all.
fn scanned(detail: &str) -> Option<String> {
    const NO_TABLES: [&str; 4] = ["CONSTANT", "(subquery-1)", "level", "first"];
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

/// Name and text of every query file.
fn queries() -> Vec<(String, String)> {
    let found = files(root().join("sql/sqlite/queries")).map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    });
    let found: Vec<(String, String)> = found.collect();
    assert!(found.len() > 40);
    found
}

fn files(folder: PathBuf) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path())
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
