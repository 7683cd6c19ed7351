//! `bigbrotr import`: every form of input, every line accounted for.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use super::operator::{Operator, Ran};
use crate::archive::given::note;
use crate::program::Program;

/// That many events, one a line.
pub(crate) fn lines(count: u64) -> String {
    let lines = (0..count).map(|number| note(number).to_json() + "\n");
    lines.collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// The counts of an account that is nothing but these.
fn assert_account(ran: &Ran, expected: &[(&str, u64)]) {
    let expected = expected
        .iter()
        .map(|(what, count)| ((*what).to_owned(), *count));
    assert_eq!(ran.account(), expected.collect(), "{ran:?}");
}

fn status(operator: &Operator) -> Value {
    serde_json::from_str(&operator.done(&["status", "--json"])).unwrap()
}

#[test]
fn plain_and_compressed_files_and_standard_input_are_read() {
    let operator = Operator::bare();
    let text = lines(10);
    operator.write("plain.jsonl", &text);
    operator.write("packed.gz", gzip(&text));
    operator.write("packed.zst", zstd::encode_all(text.as_bytes(), 1).unwrap());
    let plain = operator.path("plain.jsonl");
    for (place, input) in [
        ("a", "plain.jsonl"),
        ("b", "packed.gz"),
        ("c", "packed.zst"),
        ("d", "-"),
    ] {
        let arguments = ["import", "--data-dir", place, input];
        let ran = operator.run_reading(&plain, &arguments);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_account(&ran, &[("lines", 10), ("stored", 10)]);
    }
}

#[test]
fn the_same_event_twice_is_stored_once() {
    let operator = Operator::bare();
    operator.write("a.jsonl", lines(10));
    operator.write("b.gz", gzip(&(lines(12) + &lines(12))));
    let both = operator.run(&["import", "a.jsonl", "b.gz"]);
    assert_account(
        &both,
        &[("lines", 34), ("stored", 12), ("known already", 22)],
    );
    let again = operator.run(&["import", "a.jsonl"]);
    assert_eq!(again.code, 0);
    assert_account(&again, &[("lines", 10), ("known already", 10)]);
    assert_eq!(status(&operator)["events"]["events"], 12);
}

#[test]
fn the_relay_they_came_from_is_recorded_once() {
    let operator = Operator::bare();
    operator.write("a.jsonl", lines(10));
    operator.done(&["import", "a.jsonl"]);
    assert_eq!(status(&operator)["events"]["sightings"], 0);
    let arguments = ["import", "--relay", "wss://Relay.example.com/", "a.jsonl"];
    let named = operator.run(&arguments);
    let seen = "of those newly seen on that relay";
    assert_account(&named, &[("lines", 10), ("known already", 10), (seen, 10)]);
    assert_account(
        &operator.run(&arguments),
        &[("lines", 10), ("known already", 10)],
    );
    let status = status(&operator);
    assert_eq!(status["events"]["sightings"], 10);
    assert_eq!(status["relays"][0]["relays"], 1);
    let refused = operator.run(&["import", "--relay", "https://example.com", "a.jsonl"]);
    assert!(refused.refused(2).contains("--relay"));
}

#[test]
fn blank_lines_and_line_breaks_of_any_kind_are_no_events() {
    let operator = Operator::bare();
    let text = lines(2).replace('\n', "\r\n\r\n  \n");
    operator.write("a.jsonl", text.trim_end());
    assert_account(
        &operator.run(&["import", "a.jsonl"]),
        &[("lines", 2), ("stored", 2)],
    );
    operator.write("empty", "");
    let ran = operator.run(&["import", "empty"]);
    assert_eq!(ran.code, 0);
    assert_account(&ran, &[("lines", 0)]);
}

#[test]
fn what_cannot_be_read_is_named_and_what_came_before_is_stored() {
    let operator = Operator::bare();
    operator.write("good.jsonl", lines(10));
    let ran = operator.run(&["import", "good.jsonl", "missing.jsonl"]);
    assert_account(&ran, &[("lines", 10), ("stored", 10)]);
    assert!(ran.refused(1).contains("missing.jsonl"));

    let packed = gzip(&lines(1_000));
    operator.write("cut.gz", &packed[..packed.len() / 2]);
    let ran = operator.run(&["import", "--data-dir", "other", "cut.gz"]);
    assert!(ran.account()["stored"] > 100, "{ran:?}");
    assert!(ran.refused(1).contains("cut.gz"));
}

#[test]
fn nothing_to_import_is_a_mistake_of_usage() {
    assert!(
        Operator::bare()
            .run(&["import"])
            .refused(2)
            .contains("FILE")
    );
}

#[test]
fn an_import_that_waits_for_input_stops_when_asked() {
    let operator = Operator::bare();
    let mut command = operator.command(&["import", "-"]);
    command
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // More than a pipe holds: once it is written, the program is reading.
    input.write_all(lines(2_500).as_bytes()).unwrap();
    let process = child.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-s", "INT", &process])
        .status();
    assert!(sent.unwrap().success());
    let ran = Ran::from(child.wait_with_output().unwrap());
    drop(input);
    assert!(ran.err.contains("interrupted"), "{ran:?}");
    assert_eq!(ran.code, 1);
    let counted = ran.account().get("stored").copied().unwrap_or_default();
    assert_eq!(status(&operator)["events"]["events"], counted);
}

#[test]
fn an_archive_in_use_is_left_alone() {
    let operator = Operator::offline();
    operator.write("a.jsonl", lines(1));
    let mut running: Program = operator.start(&["relay"]);
    running.address("relay");
    let said = operator.run(&["import", "a.jsonl"]).refused(1);
    assert!(
        said.contains("in use by another bigbrotr (process "),
        "{said}"
    );
    assert!(running.stop().success());
}
