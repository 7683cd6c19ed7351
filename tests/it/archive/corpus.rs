//! The shared collection of real events: every one of them is accounted for.

use std::collections::BTreeMap;

use bigbrotr::archive::{Admission, Door};
use nips::Event;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::given::{archive, refused};
use crate::shared_data::{corpus_lines, shared_text};

#[tokio::test]
async fn every_real_event_is_stored_or_refused_by_a_documented_rule() {
    let Some(lines) = corpus_lines() else {
        return;
    };
    let given = archive();
    let mut refusals: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut stored, mut delivered) = (0, 0);
    for batch in lines.chunks(5_000) {
        let inputs = batch.iter().map(|line| line.as_str().into()).collect();
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
    let kind = |line: &&String| Event::from_json(line).unwrap().kind();
    let ephemeral = lines
        .iter()
        .filter(|line| kind(line).is_ephemeral())
        .count();
    let auth = refusals.remove("client-auth").unwrap_or_default();
    let vanished = refusals.remove("vanished").unwrap_or_default();
    // Two carry milliseconds; the third far-future event says 2100, which is a second like any other.
    assert_eq!(refusals, BTreeMap::from([("created_at-range", 2)]));
    assert_eq!(delivered + auth, ephemeral);
    assert_eq!(stored + delivered + auth + vanished + 2, lines.len());
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
    let Some(text) = shared_text("events/events-invalid.jsonl") else {
        return;
    };
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
