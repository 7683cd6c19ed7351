//! `bigbrotr status`: the same figures whether the archive is closed or a process has it open.

use serde_json::Value;

use super::import::lines;
use super::operator::Operator;

fn figures(operator: &Operator) -> Value {
    let mut figures: Value = serde_json::from_str(&operator.done(&["status", "--json"])).unwrap();
    // What changes with time or by looking.
    let object = figures.as_object_mut().unwrap();
    for name in ["gathered_at", "database_size_bytes", "free_bytes"] {
        assert!(object.remove(name).unwrap().is_u64(), "{name}");
    }
    assert!(object.remove("lag").unwrap()["check_s"].is_u64());
    figures
}

fn with_events() -> Operator {
    let operator = Operator::offline();
    operator.write("a.jsonl", lines(1_234));
    operator.done(&["import", "--relay", "wss://relay.example.com", "a.jsonl"]);
    operator.done(&["seeder", "--once"]);
    operator
}

#[test]
fn a_person_reads_text_and_a_program_json() {
    let operator = with_events();
    let text = operator.done(&["status"]);
    for line in [
        "relays      1",
        "  clearnet new                  1",
        "candidates  0",
        "events      1,234, seen 1,234 times",
        "  kind 1                    1,234",
        "archived    clearnet: 0 of 1 relays, 0 until lately, 0 gaps on 0, lag none",
        "  wss://relay.example.com nothing yet, 0 gaps",
        "gaps        0",
        "quarantine  0",
        "last cycles",
    ] {
        assert!(text.lines().any(|said| said == line), "{line}:\n{text}");
    }
    let cycle = text.lines().find(|line| line.starts_with("  seeder"));
    assert!(cycle.unwrap().contains("done"), "{text}");
    let figures = figures(&operator);
    assert_eq!(figures["events"]["events"], 1_234);
    assert_eq!(figures["events"]["by_kind"][0]["kind"], 1);
    assert_eq!(figures["relays"][0]["network"], "clearnet");
    assert_eq!(figures["cycles"][0]["service"], "seeder");
    assert_eq!(figures["cycles"][0]["is_success"], true);
}

#[test]
fn a_process_that_holds_the_archive_is_asked() {
    let operator = with_events();
    let closed = figures(&operator);
    let mut relay = operator.start(&["relay"]);
    relay.address("relay");
    assert_eq!(figures(&operator), closed);
    assert!(relay.stop().success());
}

#[test]
fn a_process_without_a_relay_is_asked_at_its_other_port() {
    let operator = with_events();
    let mut refresher = operator.start(&["refresher"]);
    refresher.address("metrics");
    assert_eq!(figures(&operator)["events"]["events"], 1_234);
    assert!(refresher.stop().success());
}

#[test]
fn a_process_that_cannot_be_asked_is_named() {
    let operator = with_events();
    let mut relay = operator.start(&["relay"]);
    relay.address("relay");
    // As if the two were configured differently.
    operator.write("elsewhere/relay.yaml", "listen: 127.0.0.1:1\n");
    operator.write("elsewhere/brotr.yaml", "metrics: {enabled: false}\n");
    let arguments = [
        "status",
        "--config",
        "elsewhere",
        "--relay-config",
        "elsewhere",
    ];
    let said = operator.run(&arguments).refused(1);
    assert!(
        said.contains("in use by another bigbrotr (process "),
        "{said}"
    );
    assert!(said.contains("127.0.0.1:1"), "{said}");
    assert!(relay.stop().success());
}

#[test]
fn an_archive_that_never_was_is_empty() {
    let text = Operator::bare().done(&["status"]);
    assert!(text.contains("events      0, seen 0 times"), "{text}");
    assert!(text.contains("none yet"), "{text}");
}

#[test]
fn one_relay_is_told_whether_the_archive_is_closed_or_open() {
    let operator = with_events();
    let url = "wss://relay.example.com";
    let report = |operator: &Operator| -> Value {
        serde_json::from_str(&operator.done(&["status", "--json", url])).unwrap()
    };
    let closed = report(&operator);
    assert_eq!(closed["url"], url);
    assert_eq!(closed["state"], "new");
    assert_eq!(closed["uptime"].as_array().unwrap().len(), 4);
    assert_eq!(closed["uptime"][0]["checks"], 0);
    let text = operator.done(&["status", url]);
    for line in [url, "state       new, 0 failed checks in a row"] {
        assert!(text.lines().any(|said| said == line), "{line}:\n{text}");
    }
    assert!(text.contains("not observed"), "{text}");
    let mut relay = operator.start(&["relay"]);
    relay.address("relay");
    assert_eq!(report(&operator), closed);
    operator
        .run(&["status", "wss://other.example.com"])
        .refused(1);
    assert!(relay.stop().success());
    let said = operator
        .run(&["status", "wss://other.example.com"])
        .refused(1);
    assert!(said.contains("no relay that is known"), "{said}");
}
