//! The seeder: from a list to candidates, with every line accounted for.

use std::path::PathBuf;

use bigbrotr::app::SEED_LIST;
use bigbrotr::config::{SeedConfig, SeederConfig};
use bigbrotr::lifecycle::Tokens;
use bigbrotr::services::seeder::Seeder;
use bigbrotr::services::{Context, Service, ServiceError};
use fleet::{FleetPlan, MemberPlan};
use nips::{Network, RelayUrl};

use super::given::{DAY, Given, HOUR, NOW, cycle, plan_of};

/// A list as people keep it: comments, blanks, spaces, Windows line ends, repeats, mistakes, a line that
/// is not UTF-8, and a byte order mark before the first word.
const LIST: &[u8] = b"\xef\xbb\xbfwss://first.nostr-lab.net\r\n\
    # relays\r\n\
    \r\n\
    wss://relay.nostr-lab.net\r\n   \
    WSS://Relay.Nostr-Lab.net:443/   \n\
    wss://nos.lol/inbox\n\
    https://relay.nostr-lab.net\n\
    wss://relay.nostr-lab.net?key=secret\n\
    wss://caf\xe9.nostr-lab.net\n\
    ws://127.0.0.1:7777\n\
    relay";

async fn given() -> Given {
    Given::start(FleetPlan::new(1)).await
}

fn seeder(context: &Context, file_path: Option<PathBuf>, to_validate: bool) -> Seeder {
    let seed = SeedConfig {
        file_path,
        to_validate,
    };
    let config = SeederConfig {
        seed,
        ..SeederConfig::default()
    };
    Seeder::new(context.clone(), config, "wss://built-in.nostr-lab.net\n")
}

fn url(text: &str) -> RelayUrl {
    RelayUrl::parse(text).unwrap()
}

#[tokio::test]
async fn every_line_of_a_file_is_a_candidate_or_refused() {
    let given = given().await;
    let path = given.path("list.txt");
    std::fs::write(&path, LIST).unwrap();
    let seeder = seeder(&given.context, Some(path), true);
    let summary = cycle(&seeder).await;
    assert_eq!(summary.count("seeds"), 5);
    assert_eq!(summary.count("refused"), 4);
    assert_eq!(summary.count("candidates"), 4, "one of them is named twice");
    let candidates = given.candidates().await;
    let urls: Vec<&str> = candidates.iter().map(|it| it.url.as_str()).collect();
    let expected = [
        "ws://127.0.0.1:7777",
        "wss://first.nostr-lab.net",
        "wss://nos.lol/inbox",
        "wss://relay.nostr-lab.net",
    ];
    assert_eq!(urls, expected);
    for candidate in &candidates {
        assert_eq!(candidate.source, "seed");
        assert_eq!(
            (candidate.discovered_at, candidate.next_attempt_at),
            (NOW, NOW)
        );
    }
}

#[tokio::test]
async fn local_relays_are_refused_where_their_network_is_off() {
    let given = given().await;
    let path = given.path("list.txt");
    std::fs::write(&path, LIST).unwrap();
    let context = given.context_with(|settings| {
        settings.networks.get_mut(Network::Local).enabled = false;
    });
    let summary = cycle(&seeder(&context, Some(path), true)).await;
    assert_eq!((summary.count("seeds"), summary.count("refused")), (4, 5));
}

#[tokio::test]
async fn without_a_file_the_list_built_in_is_read() {
    let given = given().await;
    cycle(&seeder(&given.context, None, true)).await;
    let built_in = url("wss://built-in.nostr-lab.net");
    assert!(given.candidate(&built_in).await.is_some());
    let real = Seeder::new(given.context.clone(), SeederConfig::default(), SEED_LIST);
    let summary = cycle(&real).await;
    assert_eq!(summary.count("refused"), 0);
    assert_eq!(summary.count("candidates"), summary.count("seeds"));
}

#[tokio::test]
async fn a_list_of_thousands_is_stored_whole() {
    let given = given().await;
    let path = given.path("list.txt");
    let lines = (0..2_500).map(|number| format!("wss://r{number}.nostr-lab.net\n"));
    std::fs::write(&path, lines.collect::<String>()).unwrap();
    let summary = cycle(&seeder(&given.context, Some(path), true)).await;
    assert_eq!(summary.count("candidates"), 2_500);
    assert_eq!(given.totals().await.candidates, 2_500);
}

#[tokio::test]
async fn a_list_that_is_trusted_makes_relays_at_once() {
    let given = Given::start(plan_of([MemberPlan::empty(), MemberPlan::empty()])).await;
    let (named, new) = (given.member().url(), given.fleet.member(1).url());
    given.name(std::slice::from_ref(named)).await;
    let path = given.path("list.txt");
    std::fs::write(&path, format!("{named}\n{new}\n")).unwrap();
    let summary = cycle(&seeder(&given.context, Some(path), false)).await;
    assert_eq!(summary.count("relays"), 2);
    assert_eq!(given.candidates().await, []);
    let relay = given.relay(named).await.unwrap();
    assert_eq!(relay.discovered_at, NOW - HOUR, "it was a candidate before");
    assert_eq!((relay.next_check_at, relay.next_sync_at), (NOW, NOW));
    // Nobody was asked.
    assert_eq!(given.member().seen().connections, 0);
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_an_error_with_its_path() {
    let given = given().await;
    for path in [given.path("nowhere/list.txt"), given.path("data")] {
        let seeder = seeder(&given.context, Some(path.clone()), true);
        let failure = seeder.cycle(&Tokens::new()).await.unwrap_err();
        assert!(matches!(failure, ServiceError::File { .. }), "{failure:?}");
        assert_eq!(failure.reason(), "file");
        assert!(failure.to_string().contains(path.to_str().unwrap()));
    }
    assert_eq!(given.candidates().await, []);
}

#[tokio::test]
async fn known_urls_keep_their_history() {
    let given = given().await;
    let [tried, relay, gone] =
        ["tried", "relay", "gone"].map(|label| url(&format!("wss://{label}.nostr-lab.net")));
    given.name(&[tried.clone(), gone.clone()]).await;
    let store = given.store();
    store.promote(&relay, NOW).await.unwrap();
    for _ in 0..5 {
        store.postpone(&gone, "no_address", NOW).await.unwrap();
    }
    store.give_up_candidates(5, NOW + DAY).await.unwrap();
    store
        .postpone(&tried, "timed_out", NOW + HOUR)
        .await
        .unwrap();
    let before = (given.candidate(&tried).await, given.relay(&relay).await);
    let path = given.path("list.txt");
    std::fs::write(&path, format!("{tried}\n{relay}\n{gone}\n")).unwrap();
    given.clock.advance(60);
    let summary = cycle(&seeder(&given.context, Some(path), true)).await;
    assert_eq!(
        (summary.count("seeds"), summary.count("candidates")),
        (3, 0)
    );
    assert_eq!(
        (given.candidate(&tried).await, given.relay(&relay).await),
        before
    );
    assert_eq!(given.candidate(&gone).await, None);
}
