//! `bigbrotr backup`: a copy of the embedded store that is one, taken while somebody works with it.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::import::lines;
use super::operator::Operator;
use crate::archive::given::note;
use crate::relay::client::Client;

/// What does not change when it is copied.
fn figures(operator: &Operator, data: &str) -> Value {
    let status = operator.done(&["status", "--json", "--data-dir", data]);
    let status: Value = serde_json::from_str(&status).unwrap();
    json!([
        status["events"]["events"],
        status["events"]["sightings"],
        status["relays"],
        status["candidates"],
        status["gaps"]
    ])
}

fn sorted_export(operator: &Operator, data: &str) -> Vec<String> {
    let exported = operator.done(&["export", "--data-dir", data]);
    let mut lines: Vec<String> = exported.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn a_copy_of_a_running_store_is_the_store() {
    let operator = Operator::offline();
    operator.write("a.jsonl", lines(1_500));
    operator.done(&["import", "--relay", "wss://relay.example.com", "a.jsonl"]);
    let mut running = operator.start(&["run", "--roles", "monitor,relay"]);
    running.wait_for("what the monitor publishes about itself", |said| {
        said.contains("cycle_completed").then_some(())
    });
    let said = operator.done(&["backup", "copies/today"]);
    assert!(running.stop().success());
    assert!(
        said.contains("copies/today: ") && said.contains("1 relays"),
        "{said}"
    );

    assert_eq!(
        figures(&operator, "copies/today"),
        figures(&operator, "data")
    );
    let copied = sorted_export(&operator, "copies/today");
    assert!(copied.len() >= 1_500);
    assert_eq!(copied, sorted_export(&operator, "data"));
    assert_eq!(
        operator.read("copies/today/monitor.key"),
        operator.read("data/monitor.key")
    );
    let key = std::fs::metadata(operator.path("copies/today/monitor.key")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    // Whoever restores it goes on where it was.
    let mut restored = operator.start(&[
        "run",
        "--roles",
        "refresher,relay",
        "--data-dir",
        "copies/today",
    ]);
    restored.address("relay");
    assert!(restored.stop().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_is_in_the_copy_while_more_comes() {
    let operator = Operator::offline();
    let fast = "events_per_minute: 1000000, events_per_minute_per_key: 1000000, events_per_minute_per_prefix: 1000000";
    operator.write("relay-config/policy.yaml", format!("rates: {{{fast}}}\n"));
    let mut running = operator.start(&["relay"]);
    running.address("relay");
    let mut client = Client::connect(operator.public_address()).await;
    for number in 0..200 {
        assert!(client.publish(&note(number)).await.0);
    }
    let mut backup = operator.command(&["backup", "copy"]).spawn().unwrap();
    let mut number = 200;
    while backup.try_wait().unwrap().is_none() {
        assert!(client.publish(&note(number)).await.0);
        number += 1;
    }
    assert!(backup.wait().unwrap().success());
    assert!(running.stop().success());
    let copied = sorted_export(&operator, "copy");
    for number in 0..200 {
        let id = note(number).id().to_string();
        assert!(
            copied.iter().any(|line| line.contains(&id)),
            "{number} of {}",
            copied.len()
        );
    }
    assert!(copied.len() as u64 <= number);
}

#[test]
fn a_copy_never_replaces_anything_and_says_what_it_cannot_do() {
    let operator = Operator::offline();
    let said = operator.run(&["backup", "copy"]).refused(1);
    assert!(said.contains("bigbrotr.sqlite"), "{said}");
    operator.write("a.jsonl", lines(3));
    operator.done(&["import", "a.jsonl"]);
    operator.write("copy/mine.txt", "mine");
    let said = operator.run(&["backup", "copy"]).refused(1);
    assert!(said.contains("exists"), "{said}");
    assert_eq!(operator.read("copy/mine.txt"), "mine");
    let database = [("DATABASE_URL", "postgres://writer@127.0.0.1:1/bigbrotr")];
    let said = operator
        .run_with(&database, &["backup", "other"])
        .refused(1);
    assert!(said.contains("pg_dump"), "{said}");
}
