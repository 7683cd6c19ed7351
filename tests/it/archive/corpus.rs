//! The shared collection of real events: every one of them is accounted for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bigbrotr::archive::{Admission, Door};
use nips::Event;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::given::{archive, refused};

/// A file of the shared data, when this machine has it.
fn shared(file: &str) -> Option<Vec<u8>> {
    #[expect(clippy::disallowed_methods, reason = "tests have no configuration")]
    let given = std::env::var_os("BIGBROTR_SHARED_DATA");
    let directory = given.map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    let path = directory.join(file);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        println!("skipped: {} is not here", path.display());
    }
    bytes
}

#[tokio::test]
async fn every_real_event_is_stored_or_refused_by_a_documented_rule() {
    let Some(bytes) = shared("events/events-valid.jsonl.zst") else {
        return;
    };
    let text = zstd::decode_all(bytes.as_slice()).unwrap();
    let text = String::from_utf8(text).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let given = archive();
    let mut refusals: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut stored, mut delivered) = (0, 0);
    for batch in lines.chunks(5_000) {
        let inputs = batch.iter().map(|&line| line.into()).collect();
        let answers = given
            .archive
            .admit(inputs, Door::Import(None))
            .await
            .unwrap();
        for answer in &answers {
            match answer {
                Admission::Stored(_) => stored += 1,
                Admission::Delivered => delivered += 1,
                Admission::Known { .. } => panic!("the file repeats no event"),
                Admission::Refused(_) => *refusals.entry(refused(answer)).or_default() += 1,
            }
        }
    }
    let kind = |line: &&&str| Event::from_json(line).unwrap().kind();
    let ephemeral = lines
        .iter()
        .filter(|line| kind(line).is_ephemeral())
        .count();
    let auth = refusals.remove("client-auth").unwrap_or_default();
    let vanished = refusals.remove("vanished").unwrap_or_default();
    assert_eq!(refusals, BTreeMap::from([("created_at-range", 3)]));
    assert_eq!(delivered + auth, ephemeral);
    assert_eq!(stored + delivered + auth + vanished + 3, lines.len());
    let statistics = given.store.event_statistics().await.unwrap();
    assert!(statistics.events as usize <= stored);
}

#[tokio::test]
async fn every_broken_event_is_refused_for_its_reason() {
    #[derive(Deserialize)]
    struct Broken<'a> {
        reason: &'a str,
        #[serde(borrow)]
        event: &'a RawValue,
    }
    let Some(bytes) = shared("events/events-invalid.jsonl") else {
        return;
    };
    let text = String::from_utf8(bytes).unwrap();
    let broken: Vec<Broken<'_>> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let given = archive();
    let inputs = broken.iter().map(|broken| broken.event.get().into());
    let answers = given
        .archive
        .admit(inputs.collect(), Door::Import(None))
        .await
        .unwrap();
    for (broken, answer) in broken.iter().zip(&answers) {
        assert_eq!(refused(answer), broken.reason, "{}", broken.event);
    }
}
