//! Figures: whatever was stored, seen, deleted and forgotten, and however it was folded, they are what a plain
//! recount says.

mod history;
mod plain;

use std::collections::BTreeSet;

use bigbrotr::model::{Metadata, MetadataType, RelayMetadata, RelayState, VIEWS};
use bigbrotr::model::{RelayId, RttSample};
use bigbrotr::store::Store;
use bigbrotr::store::figures::Average;
use bigbrotr::store::relays::CheckRecord;

use self::history::{given_relays, history};
use self::plain::assert_figures_are_right;
use super::given::{NOW, url};

/// Folds a number of commits at a time until nothing is left.
async fn fold(store: &dyn Store, pieces: u32) {
    while store.fold_statistics(pieces).await.unwrap() > 0 {}
}

async fn write(store: &dyn Store, seed: u64) {
    let relays = given_relays(store).await;
    for batch in history(seed, &relays) {
        store.write(batch).await.unwrap();
    }
}

async fn bring_up_to_date(store: &dyn Store, pieces: u32) {
    // PostgreSQL looks at the clock to tell what has expired; it is later than everything in a history.
    store
        .sweep_expired(u64::from(u32::MAX), usize::MAX)
        .await
        .unwrap();
    fold(store, pieces).await;
    refresh(store).await;
}

async fn refresh(store: &dyn Store) {
    for refreshed in store.refresh_statistics(&VIEWS).await.unwrap() {
        assert!(refreshed.failure.is_none(), "{refreshed:?}");
    }
}

pub(super) async fn nothing_is_counted_at_first(store: &dyn Store) {
    bring_up_to_date(store, 1).await;
    assert_figures_are_right(store).await;
}

pub(super) async fn a_history_is_counted_as_it_comes(store: &dyn Store) {
    let relays = given_relays(store).await;
    for (place, batch) in history(40, &relays).into_iter().enumerate() {
        store.write(batch).await.unwrap();
        store.fold_statistics(1).await.unwrap();
        if place % 6 == 5 {
            bring_up_to_date(store, 1).await;
            assert_figures_are_right(store).await;
        }
    }
    bring_up_to_date(store, 1).await;
    assert_figures_are_right(store).await;
}

pub(super) async fn a_history_is_counted_in_pieces(store: &dyn Store) {
    write(store, 41).await;
    bring_up_to_date(store, 2).await;
    assert_figures_are_right(store).await;
}

pub(super) async fn a_history_is_counted_at_once(store: &dyn Store) {
    write(store, 42).await;
    bring_up_to_date(store, u32::MAX).await;
    assert_figures_are_right(store).await;
    write(store, 43).await;
    bring_up_to_date(store, u32::MAX).await;
    assert_figures_are_right(store).await;
    assert_eq!(store.fold_statistics(u32::MAX).await.unwrap(), 0);
}

pub(super) async fn counting_and_writing_do_not_disturb_each_other(store: &dyn Store) {
    let relays = given_relays(store).await;
    let writing = async |seed| {
        for batch in history(seed, &relays) {
            store.write(batch).await.unwrap();
        }
    };
    let folding = async {
        for _ in 0..20 {
            store.fold_statistics(1).await.unwrap();
        }
    };
    tokio::join!(writing(44), writing(45), folding);
    bring_up_to_date(store, 3).await;
    assert_figures_are_right(store).await;
}

pub(super) async fn a_comparison_finds_nothing_wrong(store: &dyn Store) {
    write(store, 46).await;
    let unfolded = store.reconcile_statistics(None, 1_000).await.unwrap();
    assert_eq!((unfolded.authors, unfolded.wrong), (0, 0));
    fold(store, u32::MAX).await;
    let authors = store.authors_after(None, 100).await.unwrap();
    let all = store.reconcile_statistics(None, 1_000_000).await.unwrap();
    assert_eq!((all.authors, all.wrong), (authors.len() as u64, 0));
    let one = store.reconcile_statistics(None, 1).await.unwrap();
    assert_eq!((one.authors, one.wrong), (1, 0));
    let last = authors.last().unwrap().pubkey;
    let none = store.reconcile_statistics(Some(last), 1_000).await.unwrap();
    assert_eq!((none.authors, none.wrong), (0, 0));
}

/// What a relay says about itself, the software that it counts for, and the NIPs.
const DOCUMENTS: [(&str, Option<&str>, &[u32]); 8] = [
    (
        r#"{"software":"strfry","version":"1","supported_nips":[1,11,"50"]}"#,
        Some("strfry"),
        &[1, 11, 50],
    ),
    (
        r#"{"software":"strfry","version":"1","supported_nips":[1,99999999999,-1,1.5,null,{"a":1},"01"]}"#,
        Some("strfry"),
        &[1],
    ),
    (
        r#"{"software":"a\u0000b","version":1,"supported_nips":{"1":1}}"#,
        Some("ab"),
        &[],
    ),
    (
        r#"{"software":"half \ud800","version":"","supported_nips":[70000]}"#,
        Some("half \u{fffd}"),
        &[70_000],
    ),
    (r#"{"software":["strfry"]}"#, None, &[]),
    (r#"["software"]"#, None, &[]),
    (r#"{"software":"#, None, &[]),
    ("", None, &[]),
];

pub(super) async fn documents_are_counted_whatever_they_say(store: &dyn Store) {
    let mut relays = Vec::new();
    for (number, (document, _, _)) in (1..).zip(DOCUMENTS) {
        let relay = store.promote(&url(number), NOW).await.unwrap();
        describe(store, relay, NOW - 5, r#"{"software":"older"}"#).await;
        refresh(store).await;
        describe(store, relay, NOW, document).await;
        relays.push(relay);
    }
    let long = format!(r#"{{"software":"{}"}}"#, "ü".repeat(10_000));
    describe(store, relays[7], NOW + 5, &long).await;
    store.promote(&url(99), NOW).await.unwrap();
    refresh(store).await;

    let unknown = || "unknown".to_owned();
    let mut software: Vec<(String, String, u64)> = vec![
        (unknown(), unknown(), 3),
        ("strfry".to_owned(), "1".to_owned(), 2),
        ("ab".to_owned(), unknown(), 1),
        ("half \u{fffd}".to_owned(), unknown(), 1),
        ("ü".repeat(200), unknown(), 1),
    ];
    let found = store.software_figures(100).await.unwrap();
    let found: Vec<_> = found
        .into_iter()
        .map(|one| (one.software, one.version, one.relays))
        .collect();
    assert_eq!(found, software);
    software.truncate(2);
    assert_eq!(
        store.software_figures(2).await.unwrap().len(),
        software.len()
    );

    let mut nips = std::collections::BTreeMap::new();
    for nip in DOCUMENTS.iter().flat_map(|(_, _, nips)| *nips) {
        *nips.entry(*nip).or_insert(0_u64) += 1;
    }
    let nips: Vec<(u32, u64)> = nips.into_iter().collect();
    assert_eq!(store.nip_figures(100).await.unwrap(), nips);

    let figures = store.relay_figures(None, 100).await.unwrap();
    assert_eq!(figures.len(), DOCUMENTS.len() + 1);
    for (one, (_, software, _)) in figures.iter().zip(DOCUMENTS).take(7) {
        assert_eq!(one.software.as_deref(), software);
    }
    let latest = store.latest_documents(None, 3).await.unwrap();
    let rest = store
        .latest_documents(Some(latest[2].relay), 100)
        .await
        .unwrap();
    let texts: Vec<&str> = latest
        .iter()
        .chain(&rest)
        .map(|it| it.metadata.data())
        .collect();
    let mut expected: Vec<&str> = DOCUMENTS.iter().map(|(text, _, _)| *text).collect();
    expected[7] = &long;
    assert_eq!(texts, expected);
}

async fn describe(store: &dyn Store, relay: RelayId, generated_at: u64, document: &str) {
    let metadata = Metadata::new(MetadataType::Nip11Info, document.to_owned());
    let row = RelayMetadata {
        relay,
        generated_at,
        metadata,
    };
    store.add_relay_metadata(&[row]).await.unwrap();
}

pub(super) async fn round_trips_are_averaged_over_the_last_ten(store: &dyn Store) {
    let relay = store.promote(&url(1), NOW).await.unwrap();
    store.promote(&url(2), NOW).await.unwrap();
    for number in 1..=15 {
        let rtt = RttSample {
            relay,
            checked_at: NOW + u64::from(number),
            open_ms: Some(if number <= 5 { 100_000 } else { 100 + number }),
            read_ms: (number > 12).then_some(number),
            write_ms: None,
        };
        let record = CheckRecord {
            rtt,
            state: RelayState::Online,
            check_failures: 0,
            next_check_at: NOW,
        };
        store.record_check(&record).await.unwrap();
    }
    let figures = store.relay_figures(None, 10).await.unwrap();
    assert_eq!(
        figures[0].open,
        Average {
            sum: 1_105,
            count: 10
        }
    );
    assert_eq!(figures[0].read.mean(), Some(14.0));
    assert_eq!(figures[0].write.mean(), None);
    assert_eq!(figures[1].open, Average::default());
    let networks: BTreeSet<_> = figures.iter().map(|one| one.network.as_str()).collect();
    assert_eq!(networks, BTreeSet::from(["clearnet"]));
}
