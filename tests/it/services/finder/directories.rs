//! Directories on the web as a source, over a real server that only the operator's names lead to.

use std::time::Duration;

use bigbrotr::config::{ApiConfig, ApiSource, FinderConfig, FinderEvents};
use bigbrotr::lifecycle::Tokens;
use bigbrotr::services::finder::Finder;
use bigbrotr::services::{Context, Service};
use fleet::FleetPlan;
use tokio::time::Instant;

use super::super::given::{AT_ONCE, DAY, Given, PATIENCE, cycle, wait_until};
use super::directory::{Directory, NAME, Page};
use super::named;
use crate::cli::operator::Operator;

const RELAYS: &str = r#"["wss://a.nostr-lab.net","wss://b.nostr-lab.net/","not a relay",7]"#;

async fn given() -> (Given, Directory) {
    let given = Given::start(FleetPlan::new(1)).await;
    (given, Directory::start().await)
}

/// A context in which the directory's name leads to it.
fn context(given: &Given, directory: &Directory) -> Context {
    given.context_with(|settings| {
        settings.hosts.insert(NAME.to_owned(), directory.address);
    })
}

fn source(url: &str) -> ApiSource {
    ApiSource {
        url: url.to_owned(),
        enabled: true,
        timeout: PATIENCE,
        expression: None,
    }
}

/// The page of the directory at a path.
fn at(path: &str) -> ApiSource {
    source(&format!("http://{NAME}{path}"))
}

fn config(sources: impl IntoIterator<Item = ApiSource>) -> FinderConfig {
    FinderConfig {
        events: FinderEvents {
            enabled: false,
            ..FinderEvents::default()
        },
        api: ApiConfig {
            request_delay: Duration::ZERO,
            max_response_size: 1 << 10,
            sources: sources.into_iter().collect(),
            ..ApiConfig::default()
        },
        ..FinderConfig::default()
    }
}

/// A finder that reads these sources and no events.
fn finder(context: &Context, sources: impl IntoIterator<Item = ApiSource>) -> Finder {
    Finder::new(context.clone(), config(sources))
}

#[tokio::test]
async fn a_directory_yields_candidates() {
    let (given, directory) = given().await;
    directory.put("/online", Page::json(RELAYS));
    let context = context(&given, &directory);
    let summary = cycle(&finder(&context, [at("/online")])).await;
    assert_eq!(summary.count("sources_fetched"), 1);
    assert_eq!(summary.count("candidates_found_from_api"), 2);
    let expected =
        ["a", "b"].map(|label| (format!("wss://{label}.nostr-lab.net"), "http".to_owned()));
    assert_eq!(named(&given).await, expected);
}

#[tokio::test]
async fn a_directory_that_was_read_rests_until_its_cooldown_is_over() {
    let (given, directory) = given().await;
    directory.put("/online", Page::json(RELAYS));
    cycle(&finder(&context(&given, &directory), [at("/online")])).await;
    // Across a restart, too.
    let given = given.restart().await;
    let context = context(&given, &directory);
    for (wait, requests) in [(0, 1), (DAY - 1, 1), (1, 2)] {
        given.clock.advance(wait);
        cycle(&finder(&context, [at("/online")])).await;
        assert_eq!(directory.requests().len(), requests, "after {wait} s more");
    }
}

#[tokio::test]
async fn a_directory_that_cannot_be_read_is_tried_again_and_holds_up_no_other() {
    let (given, directory) = given().await;
    let large = format!("[{RELAYS}{}]", " ".repeat(1 << 10));
    directory.put("/large", Page::json(large));
    directory.put(
        "/html",
        Page::json("<!doctype html><p>wss://c.nostr-lab.net"),
    );
    directory.put("/error", Page::Body(503, RELAYS.to_owned()));
    directory.put("/good", Page::json(RELAYS));
    let context = context(&given, &directory);
    let bad = ["/large", "/html", "/error", "/missing"];
    let all: Vec<ApiSource> = bad.iter().chain(&["/good"]).map(|path| at(path)).collect();
    let finder = finder(&context, all);
    let summary = cycle(&finder).await;
    assert_eq!(summary.count("sources_failed"), 4);
    assert_eq!(summary.count("sources_fetched"), 1);
    assert_eq!(named(&given).await.len(), 2);
    // New events begin a cycle every few seconds; a directory in trouble is not asked as often.
    for (wait, times) in [(0, 1), (40, 1), (40, 2), (80, 2), (80, 3)] {
        given.wait_for(given.now() + wait);
        cycle(&finder).await;
        let asked = directory.requests();
        let asked_for = |path: &str| asked.iter().filter(|asked| *asked == path).count();
        assert!(bad.iter().all(|path| asked_for(path) == times), "{asked:?}");
        assert_eq!(asked_for("/good"), 1);
    }
}

#[tokio::test]
async fn only_the_operators_names_lead_inside() {
    let (given, directory) = given().await;
    directory.put("/online", Page::json(RELAYS));
    let port = directory.address.port();
    let mut sources = Vec::new();
    for host in ["127.0.0.1", "0x7f.1", "[::ffff:127.0.0.1]"] {
        sources.push(source(&format!("http://{host}:{port}/online")));
        let path = format!("/to/{host}");
        directory.put(
            &path,
            Page::Redirect(format!("http://{host}:{port}/online")),
        );
        sources.push(at(&path));
    }
    let canary = given.fleet.canary().address();
    directory.put("/to/canary", Page::Redirect(format!("http://{canary}/")));
    directory.put("/to/itself", Page::Redirect("/to/itself".to_owned()));
    sources.extend(["/to/canary", "/to/itself"].map(at));
    let count = sources.len() as u64;
    let summary = cycle(&finder(&context(&given, &directory), sources)).await;
    assert_eq!(summary.count("sources_failed"), count);
    assert!(!directory.requests().contains(&"/online".to_owned()));
    assert_eq!(given.fleet.canary().visits(), 0);
    assert_eq!(named(&given).await, []);
}

#[tokio::test]
async fn a_redirect_within_the_directory_is_followed() {
    let (given, directory) = given().await;
    directory.put("/old", Page::Redirect("/new".to_owned()));
    directory.put("/new", Page::json(RELAYS));
    let summary = cycle(&finder(&context(&given, &directory), [at("/old")])).await;
    assert_eq!(summary.count("candidates_found_from_api"), 2);
}

#[tokio::test]
async fn b16_a_dripping_directory_ends_at_its_time_limit() {
    let (given, directory) = given().await;
    directory.put("/online", Page::Dripping);
    let source = ApiSource {
        timeout: Duration::from_millis(500),
        ..at("/online")
    };
    let started = Instant::now();
    let summary = cycle(&finder(&context(&given, &directory), [source])).await;
    assert!(started.elapsed() < AT_ONCE);
    assert_eq!(summary.count("sources_failed"), 1);
}

#[tokio::test]
async fn a_soft_stop_ends_the_fetch_under_way() {
    let (given, directory) = given().await;
    directory.put("/silent", Page::Silence);
    directory.put("/next", Page::json(RELAYS));
    let finder = finder(&context(&given, &directory), ["/silent", "/next"].map(at));
    let tokens = Tokens::new();
    let asked = async {
        wait_until("the directory is asked", async || {
            !directory.requests().is_empty()
        })
        .await;
        tokens.stop();
    };
    let started = Instant::now();
    let (summary, ()) = tokio::join!(finder.cycle(&tokens), asked);
    assert!(started.elapsed() < AT_ONCE);
    let summary = summary.unwrap();
    assert_eq!(
        summary.count("sources_fetched") + summary.count("sources_failed"),
        0
    );
    assert_eq!(directory.requests(), ["/silent"]);
}

#[tokio::test]
async fn what_was_not_stored_is_fetched_again() {
    let (given, directory) = given().await;
    directory.put("/online", Page::json(RELAYS));
    given
        .sql(
            "CREATE TRIGGER crash BEFORE INSERT ON candidate
             BEGIN SELECT RAISE(ABORT, 'crash'); END",
        )
        .await;
    let finder = finder(&context(&given, &directory), [at("/online")]);
    assert!(finder.cycle(&Tokens::new()).await.is_err());
    given.sql("DROP TRIGGER crash").await;
    assert_eq!(cycle(&finder).await.count("candidates_found_from_api"), 2);
}

#[tokio::test]
async fn what_is_switched_off_is_not_fetched() {
    let (given, directory) = given().await;
    let context = context(&given, &directory);
    let off = ApiSource {
        enabled: false,
        ..at("/online")
    };
    cycle(&finder(&context, [off])).await;
    let mut config = config([at("/online")]);
    config.api.enabled = false;
    cycle(&Finder::new(context, config)).await;
    assert!(directory.requests().is_empty());
}

#[tokio::test]
async fn a_directory_that_has_not_changed_is_not_sent_again() {
    let (given, directory) = given().await;
    directory.put("/tagged", Page::Tagged("\"v1\"", RELAYS.to_owned()));
    let date = "Wed, 21 Oct 2015 07:28:00 GMT";
    let more = RELAYS.replace("nostr-lab", "other-lab");
    directory.put("/dated", Page::Dated(date, more));
    let read = async |given: &Given, sources: [ApiSource; 2]| {
        given.clock.advance(DAY);
        let summary = cycle(&finder(&context(given, &directory), sources)).await;
        assert_eq!(summary.count("sources_fetched"), 2);
        (
            summary.count("sources_unchanged"),
            summary.count("candidates_found_from_api"),
        )
    };
    let both = || [at("/tagged"), at("/dated")];
    assert_eq!(read(&given, both()).await, (0, 4));
    // Across a restart, too.
    let given = given.restart().await;
    assert_eq!(read(&given, both()).await, (2, 0));
    let news = r#"["wss://c.nostr-lab.net"]"#;
    directory.put("/tagged", Page::Tagged("\"v2\"", news.to_owned()));
    assert_eq!(read(&given, both()).await, (1, 1));
    // What was read with another expression has to be read again.
    let [tagged, dated] = both();
    let selected = ApiSource {
        expression: Some("[0]".to_owned()),
        ..tagged
    };
    assert_eq!(read(&given, [selected, dated]).await, (1, 0));
}

/// A directory of 50,002 relays, two more than are taken from one.
fn long() -> String {
    let urls: Vec<String> = (0..50_002)
        .map(|number| format!("wss://relay.nostr-lab.net/{number}"))
        .collect();
    serde_json::to_string(&urls).unwrap()
}

#[tokio::test]
async fn a_directory_that_is_too_long_is_counted() {
    let (given, directory) = given().await;
    directory.put("/long", Page::json(long()));
    directory.put("/online", Page::json(RELAYS));
    let mut config = config([at("/long"), at("/online")]);
    config.api.max_response_size = 5 << 20;
    let finder = Finder::new(context(&given, &directory), config);
    let summary = cycle(&finder).await;
    assert_eq!(summary.count("sources_fetched"), 2);
    assert_eq!(summary.count("sources_cut"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_too_long_is_told_once() {
    let directory = Directory::start().await;
    directory.put("/long", Page::json(long()));
    let operator = Operator::offline();
    let (address, url) = (directory.address, format!("http://{NAME}/long"));
    operator.write(
        "config/brotr.yaml",
        format!("networks: {{hosts: {{{NAME}: '{address}'}}}}\nmetrics: {{enabled: false}}\n"),
    );
    operator.write(
        "config/services/finder.yaml",
        format!("api: {{sources: [{{url: '{url}'}}]}}\n"),
    );
    let said = operator.run(&["finder", "--once"]).err;
    let told: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("api_document_cut"))
        .collect();
    assert_eq!(told.len(), 1, "{said}");
    for part in [url.as_str(), "count=50000", "left_out=2"] {
        assert!(told[0].contains(part), "{told:?}");
    }
}

#[tokio::test]
async fn an_expression_says_which_part_names_relays() {
    let (given, directory) = given().await;
    let page = r#"{"up":["wss://a.nostr-lab.net"],"down":["wss://b.nostr-lab.net"]}"#;
    directory.put("/all", Page::json(page));
    let up = ApiSource {
        expression: Some("up".to_owned()),
        ..at("/all")
    };
    cycle(&finder(&context(&given, &directory), [up])).await;
    let expected = [("wss://a.nostr-lab.net".to_owned(), "http".to_owned())];
    assert_eq!(named(&given).await, expected);
}

/// A NIP-05 document names the relays of its users; whoever trusts a domain lists it as a source.
#[tokio::test]
async fn the_relays_of_a_nip05_document_are_read() {
    let (given, directory) = given().await;
    let user = "b0635d6a9851d3aed0cd6c495b282167acf761729078d975fc341b22650b07b9";
    let document = format!(
        r#"{{"names":{{"bob":"{user}"}},
            "relays":{{"{user}":["wss://a.nostr-lab.net","wss://b.nostr-lab.net"]}}}}"#
    );
    let path = "/.well-known/nostr.json";
    directory.put(path, Page::json(&document));
    let relays = ApiSource {
        expression: Some("relays.*[]".to_owned()),
        ..at(path)
    };
    let summary = cycle(&finder(&context(&given, &directory), [relays])).await;
    assert_eq!(summary.count("candidates_found_from_api"), 2);
    let expected =
        ["a", "b"].map(|label| (format!("wss://{label}.nostr-lab.net"), "http".to_owned()));
    assert_eq!(named(&given).await, expected);
}
