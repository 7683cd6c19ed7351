//! A dump of a database that is in use, restored into another one by PostgreSQL's own programs.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::server::{Database, PASSWORD, count};
use crate::cli::import::lines;
use crate::cli::operator::{Operator, Ran};
use crate::sql_files::root;

/// One of PostgreSQL's programs: of the server that `POSTGRES_BIN` chose for the tests, or of the newest version
/// that Debian's packages left here.
fn program(name: &str) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test command is told in the environment"
    )]
    let chosen = std::env::var("POSTGRES_BIN");
    if let Ok(chosen) = chosen {
        return format!("{chosen}/{name}");
    }
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let programs = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin").join(name)));
    let newest: Option<PathBuf> = programs.filter(|path| path.exists()).max();
    newest.map_or_else(|| name.to_owned(), |path| path.display().to_string())
}

fn direct(database: &Database) -> String {
    database.options().direct_url.unwrap()
}

/// Runs a command of ours as the writer.
fn run(operator: &Operator, database: &Database, arguments: &[&str]) -> Ran {
    let options = database.options_as("writer");
    operator.write_brotr(&format!(
        "store: {{url: '{}', listen_url: '{}', migrate: false}}\n",
        options.url,
        options.direct_url.unwrap()
    ));
    let ran = operator.run_with(&[("DB_WRITER_PASSWORD", PASSWORD)], arguments);
    assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
    ran
}

fn figures(operator: &Operator, database: &Database) -> Value {
    let status: Value =
        serde_json::from_str(&run(operator, database, &["status", "--json"]).out).unwrap();
    json!([
        status["events"]["events"],
        status["events"]["sightings"],
        status["relays"],
        status["cycles"]
    ])
}

fn restore(dump: &str, database: &Database) {
    let restored = Command::new(program("pg_restore"))
        .args([
            "--exit-on-error",
            "--single-transaction",
            "--dbname",
            &direct(database),
            dump,
        ])
        .env("PGPASSWORD", PASSWORD)
        .output()
        .unwrap();
    assert!(
        restored.status.success(),
        "{}",
        String::from_utf8_lossy(&restored.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_dump_is_the_archive_with_its_roles() {
    let operator = Operator::offline();
    let (database, other) = (Database::create().await, Database::empty().await);
    operator.write("a.jsonl", lines(300));
    run(
        &operator,
        &database,
        &["import", "--relay", "wss://relay.example.com", "a.jsonl"],
    );
    run(&operator, &database, &["refresher", "--once"]);

    operator.write("deployment.env", "DEPLOYMENT=test\n");
    let script = root().join("deployments/common/backup.sh");
    let dump = || {
        let mut script = Command::new(&script);
        script
            .current_dir(operator.folder())
            .env(
                "PG_DUMP",
                format!("{} --dbname={}", program("pg_dump"), direct(&database)),
            )
            .env("PG_RESTORE", program("pg_restore"))
            .env("PGPASSWORD", PASSWORD)
            .env("KEEP", "2");
        let output = script.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let name = dump();
    restore(&operator.path(&name).display().to_string(), &other);

    assert_eq!(figures(&operator, &other), figures(&operator, &database));
    let exported = |database| run(&operator, database, &["export", "--oldest-first"]).out;
    assert_eq!(exported(&other), exported(&database));
    // The services go on: rows are written, views refreshed, and readers still only read.
    operator.write("b.jsonl", lines(310));
    let ran = run(&operator, &other, &["import", "b.jsonl"]);
    assert_eq!(ran.account()["stored"], 10);
    run(&operator, &other, &["refresher", "--once"]);
    let mut admin = other.connect().await;
    let owned = "SELECT count(*) FROM pg_matviews WHERE matviewowner = 'refresher'";
    assert!(count(&mut admin, owned).await > 5);
    let mut reader = other.connect_as("reader", PASSWORD).await.unwrap();
    assert_eq!(
        count(&mut reader, "SELECT event_count FROM event_stats").await,
        310
    );
    let refused = super::server::refusal(&mut reader, "DELETE FROM relay").await;
    assert_eq!(refused, "42501");

    // Only the newest are kept.
    for _ in 0..2 {
        dump();
    }
    assert_eq!(fs::read_dir(operator.path("dumps")).unwrap().count(), 2);
}
