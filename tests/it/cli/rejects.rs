//! Lines that are not taken: counted by reason, and written to a file with their place.

use std::collections::BTreeMap;

use bigbrotr::archive::ArchiveSettings;
use serde_json::Value;

use super::operator::Operator;
use crate::archive::given::{forged, note};

/// The lines of a file of rejects by the line they tell of: reason and text.
pub(super) fn rejects(text: &str) -> BTreeMap<u64, (String, String)> {
    let lines = text.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| line[name].as_str().unwrap().to_owned();
        (
            line["line"].as_u64().unwrap(),
            (field("reason"), field("text")),
        )
    });
    lines.collect()
}

#[test]
fn every_bad_line_is_counted_by_reason_and_kept() {
    let operator = Operator::bare();
    let good = note(1).to_json();
    let other_id = note(2).to_json().replace("note 2", "note 3");
    // Twice the largest event is skipped without being held in memory whole.
    let too_long = vec![b'x'; 2 * ArchiveSettings::default().max_event_bytes + 1];
    let forged = forged(&note(4));
    let bad: [(&str, &[u8]); 5] = [
        ("sig-invalid", forged.as_bytes()),
        ("id-mismatch", other_id.as_bytes()),
        ("not-an-object", b"{\"id\":"),
        ("not-utf8", b"{\"content\":\"\xff\"}"),
        ("too-large", &too_long),
    ];
    let mut text = good.clone().into_bytes();
    for (_, line) in bad {
        text.extend([b"\n", line].concat());
    }
    text.extend(format!("\n\n{}\n", note(5).to_json()).as_bytes());
    operator.write("mixed.jsonl", text);

    let ran = operator.run(&["import", "mixed.jsonl", "--rejects", "rejects.jsonl"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let account = ran.account();
    assert_eq!(
        (account["lines"], account["stored"], account["refused"]),
        (7, 2, 5)
    );
    let found = rejects(&operator.read("rejects.jsonl"));
    assert_eq!(found.len(), bad.len());
    for (number, (reason, line)) in (2..).zip(bad) {
        let (found, text) = &found[&number];
        assert_eq!((found.as_str(), account[reason]), (reason, 1));
        assert!(String::from_utf8_lossy(line).starts_with(text.as_str()));
    }
    let first: Value =
        serde_json::from_str(operator.read("rejects.jsonl").lines().next().unwrap()).unwrap();
    assert_eq!(first["file"], "mixed.jsonl");
}

#[test]
fn a_file_for_rejects_that_cannot_be_made_stops_the_import_before_it_begins() {
    let operator = Operator::bare();
    operator.write("a.jsonl", note(1).to_json());
    let ran = operator.run(&["import", "a.jsonl", "--rejects", "missing/rejects.jsonl"]);
    assert_eq!(ran.out, "");
    assert!(ran.refused(1).contains("missing/rejects.jsonl"));
}
