//! `bigbrotr export`: what goes out, in which order, and that it can come in again.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use nips::{Event, Kind};

use super::import::lines;
use super::operator::Operator;
use crate::archive::given::{NOW, author, note, tags};

/// Somebody with events of two authors and three kinds, two versions of a profile and a deletion.
fn with_events() -> Operator {
    let other = |kind: u16, at: u64, tag: &[&[&str]], text: &str| {
        author(2).sign(Kind(kind), at, tags(tag), text)
    };
    let deleted = other(1, NOW - 50, &[], "deleted");
    let id = deleted.id().to_hex();
    let mut events: Vec<Event> = (0..20).map(note).collect();
    events.extend([
        other(0, NOW - 9, &[], r#"{"name":"old"}"#),
        other(0, NOW - 3, &[], r#"{"name":"new"}"#),
        other(1, NOW - 3, &[&["t", "nostr"]], "tagged \u{2028} é"),
        other(5, NOW - 2, &[&["e", &id]], ""),
        deleted,
    ]);
    let operator = Operator::bare();
    let text: Vec<String> = events.iter().map(Event::to_json).collect();
    operator.write("all.jsonl", text.join("\n"));
    operator.done(&["import", "all.jsonl"]);
    operator
}

fn events(text: &str) -> Vec<Event> {
    let events = text.lines().map(|line| Event::from_json(line).unwrap());
    events.collect()
}

#[test]
fn everything_stored_goes_out_in_either_order() {
    let operator = with_events();
    let newest_first = operator.done(&["export"]);
    let found = events(&newest_first);
    assert_eq!(found.len(), 25, "every version and what was deleted");
    let in_order =
        found.is_sorted_by_key(|event| (std::cmp::Reverse(event.created_at()), event.id()));
    assert!(in_order);
    let oldest_first = operator.done(&["export", "--oldest-first"]);
    let reversed: Vec<&str> = oldest_first.lines().rev().collect();
    assert_eq!(newest_first.lines().collect::<Vec<_>>(), reversed);
}

#[test]
fn a_filter_chooses() {
    let operator = with_events();
    let count = |filter: &str| events(&operator.done(&["export", "--filter", filter])).len();
    assert_eq!(count(r#"{"kinds":[0]}"#), 2);
    assert_eq!(count(r##"{"#t":["nostr"]}"##), 1);
    assert_eq!(
        count(&format!(r#"{{"since":{},"until":{}}}"#, NOW - 4, NOW - 4)),
        1
    );
    assert_eq!(count(r#"{"kinds":[7]}"#), 0);
    assert_eq!(count("{}"), 25);
    let newest = operator.done(&["export", "--filter", r#"{"kinds":[1],"limit":3}"#]);
    let newest: Vec<u64> = events(&newest).iter().map(Event::created_at).collect();
    assert_eq!(newest, [NOW, NOW - 1, NOW - 2]);
    for bad in [r#"{"ids":["ab"]}"#, "[]", "{"] {
        let said = operator.run(&["export", "--filter", bad]).refused(2);
        assert!(said.contains("--filter"), "{said}");
    }
}

#[test]
fn an_export_is_an_import() {
    let operator = with_events();
    operator.done(&["export", "-o", "once.jsonl"]);
    let ran = operator.run(&["import", "--data-dir", "other", "once.jsonl"]);
    assert_eq!(ran.account()["stored"], 25);
    let twice = operator.done(&["export", "--data-dir", "other"]);
    assert_eq!(operator.read("once.jsonl"), twice);
    let said = operator
        .run(&["export", "-o", "missing/once.jsonl"])
        .refused(1);
    assert!(said.contains("missing/once.jsonl"), "{said}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let operator = Operator::bare();
    // More than a pipe and a buffer hold.
    operator.write("many.jsonl", lines(6_000));
    operator.done(&["import", "many.jsonl"]);
    let mut command = operator.command(&["export"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut first).unwrap();
    drop(reader);
    assert_eq!(events(&first).len(), 1);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_empty_archive_is_an_empty_export() {
    assert_eq!(Operator::bare().done(&["export"]), "");
}
