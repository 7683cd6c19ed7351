//! The shared collections of events through the command line, as an operator would import them.

use std::collections::BTreeMap;

use nips::Event;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::operator::Operator;
use super::rejects::rejects;
use crate::shared_data::{corpus_lines, shared, shared_text};

/// Events of the collection of valid ones.
const VALID: u64 = 15_127;

/// Events of the collection of broken ones.
const BROKEN: usize = 323;

#[test]
fn every_real_event_is_accounted_for_and_comes_back_as_it_went_in() {
    let (Some(file), Some(lines)) = (shared("events/events-valid.jsonl.zst"), corpus_lines())
    else {
        return;
    };
    let file = file.to_str().unwrap();
    let operator = Operator::bare();
    let first = operator.run(&["import", file, "--rejects", "rejects.jsonl"]);
    assert_eq!(first.code, 0, "{first:?}");
    let account = first.account();
    let count = |what: &str| account.get(what).copied().unwrap_or_default();
    let ephemeral = "ephemeral, which are never stored";
    assert_eq!(count("lines"), VALID);
    assert_eq!(count("stored") + count(ephemeral) + count("refused"), VALID);
    // Of three dated far in the future, two carry milliseconds and one a second that exists.
    assert_eq!(count("created_at-range"), 2);
    let documented = ["created_at-range", "client-auth", "vanished"].map(count);
    assert_eq!(documented.iter().sum::<u64>(), count("refused"));
    let kind = |line: &&String| Event::from_json(line).unwrap().kind();
    let ephemeral_lines = lines.iter().filter(|line| kind(line).is_ephemeral());
    assert_eq!(
        count(ephemeral) + count("client-auth"),
        ephemeral_lines.count() as u64
    );
    assert_eq!(
        rejects(&operator.read("rejects.jsonl")).len() as u64,
        count("refused")
    );

    let again = operator.run(&["import", file]).account();
    assert!(!again.contains_key("stored"), "{again:?}");
    assert_eq!(again["known already"], account["stored"]);

    operator.done(&["export", "-o", "once.jsonl"]);
    operator.done(&["import", "--data-dir", "other", "once.jsonl"]);
    operator.done(&["export", "--data-dir", "other", "-o", "twice.jsonl"]);
    let once = operator.read("once.jsonl");
    assert!(
        once == operator.read("twice.jsonl"),
        "an export is imported whole"
    );
    let exported = once.lines().count() as u64;
    assert!(
        exported <= account["stored"] && exported > 14_000,
        "{exported}"
    );
}

#[test]
fn every_broken_event_is_refused_for_its_reason() {
    #[derive(Deserialize)]
    struct Broken<'a> {
        reason: String,
        #[serde(borrow)]
        event: &'a RawValue,
    }
    let Some(text) = shared_text("events/events-invalid.jsonl") else {
        return;
    };
    let broken: Vec<Broken<'_>> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(broken.len(), BROKEN);
    let operator = Operator::bare();
    let events: Vec<&str> = broken.iter().map(|broken| broken.event.get()).collect();
    operator.write("broken.jsonl", events.join("\n"));
    let ran = operator.run(&["import", "broken.jsonl", "--rejects", "rejects.jsonl"]);
    let account = ran.account();
    assert_eq!(account["refused"], BROKEN as u64);
    assert!(!account.contains_key("stored"), "{account:?}");
    let mut by_reason: BTreeMap<&str, u64> = BTreeMap::new();
    let found = rejects(&operator.read("rejects.jsonl"));
    for (number, broken) in (1..).zip(&broken) {
        assert_eq!(
            found[&number],
            (broken.reason.clone(), broken.event.get().to_owned())
        );
        *by_reason.entry(&broken.reason).or_default() += 1;
    }
    for (reason, count) in by_reason {
        assert_eq!(account[reason], count, "{reason}");
    }
}
