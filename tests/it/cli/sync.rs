//! `sync`: relays that a person names, now.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use fleet::{Behaviour, ConfigOptions, ConfigPaths, Fleet, FleetPlan, MemberPlan};
use nips::{Event, EventId};
use serde_json::Value;
use tokio::time::timeout;

use super::operator::Ran;
use crate::program::{self, PATIENCE, Program};

/// A laboratory, and somebody with a configuration for it.
struct Bench {
    fleet: Fleet,
    paths: ConfigPaths,
    directory: tempfile::TempDir,
}

impl Bench {
    async fn of(members: impl IntoIterator<Item = MemberPlan>) -> Self {
        let plan = FleetPlan::new(3).events(400);
        let plan = members.into_iter().fold(plan, FleetPlan::member);
        let fleet = Fleet::start(plan).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let options = ConfigOptions {
            metrics_listen: None,
            timeout_seconds: 5,
            ..ConfigOptions::default()
        };
        let paths = fleet.write_config(directory.path(), &options).unwrap();
        Self {
            fleet,
            paths,
            directory,
        }
    }

    fn url(&self, member: usize) -> String {
        self.fleet.member(member).url().to_string()
    }

    fn folder(&self) -> &Path {
        self.directory.path()
    }

    fn words(&self, words: &[&str]) -> Vec<String> {
        let words = words.iter().map(|&word| word.to_owned());
        words.chain(self.paths.arguments()).collect()
    }

    /// Runs a command beside the laboratory, which goes on meanwhile.
    async fn run(&self, words: &[&str]) -> Ran {
        let (folder, words) = (self.folder().to_owned(), self.words(words));
        let ran = tokio::task::spawn_blocking(move || program::run(&folder, words));
        ran.await.unwrap().into()
    }

    async fn accounts(&self, urls: &[&str], code: i32) -> Vec<Value> {
        let ran = self.run(&[&["sync", "--json"], urls].concat()).await;
        assert_eq!(ran.code, code, "{ran:?}");
        serde_json::from_str(&ran.out).unwrap()
    }

    async fn archived(&self) -> BTreeSet<EventId> {
        let ran = self.run(&["export"]).await;
        let events = ran.out.lines().map(|line| Event::from_json(line).unwrap());
        events.map(|event| event.id()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_is_added_and_archived_at_once_and_then_costs_one_request() {
    let bench = Bench::of([MemberPlan::new(Behaviour::Cap { limit: 100 })]).await;
    let url = bench.url(0);
    let held = bench.fleet.member(0).holds();
    let accounts = bench.accounts(&[&url], 0).await;
    let first = &accounts[0];
    assert_eq!(first["relay"], url.as_str());
    assert_eq!(first["is_added"], true);
    assert_eq!(first["end"], "caught-up");
    assert_eq!(first["new"], held.len());
    assert_eq!(bench.archived().await, held);
    let [record] = first["filters"].as_array().unwrap().as_slice() else {
        panic!("{first}");
    };
    assert_eq!(record["gaps"], Value::Array(Vec::new()));
    assert_eq!(record["covered"][0]["from"], 0);
    assert_eq!(record["covered"][0]["method"], "paging");

    let ran = bench.run(&["sync", &url]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.err.contains("was added"), "{ran:?}");
    for line in [
        "caught-up",
        "requests  1\n",
        "new       0\n",
        "covered   1970-01-01 to ",
    ] {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_dead_relay_fails_the_command_and_not_the_others() {
    let members = [
        Behaviour::Honest,
        Behaviour::Dead,
        Behaviour::ClosedAuthRequired,
    ];
    let bench = Bench::of(members.map(MemberPlan::new)).await;
    let urls = [bench.url(0), bench.url(1), bench.url(2)];
    let accounts = bench
        .accounts(&urls.each_ref().map(String::as_str), 1)
        .await;
    let ends: Vec<(&str, &str, &str)> = accounts
        .iter()
        .map(|account| {
            let word = |key: &str| account[key].as_str().unwrap_or_default();
            (word("relay"), word("end"), word("reason"))
        })
        .collect();
    for end in [
        (urls[0].as_str(), "caught-up", ""),
        (urls[1].as_str(), "unreachable", "connect_failed"),
        (urls[2].as_str(), "gave-up", "auth-required"),
    ] {
        assert!(ends.contains(&end), "{end:?}: {ends:?}");
    }
    assert_eq!(bench.archived().await, bench.fleet.member(0).holds());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_visited_is_refused_before_anything_is_added() {
    let bench = Bench::of([MemberPlan::new(Behaviour::Honest)]).await;
    let ran = bench.run(&["sync", "https://relay.example.com"]).await;
    assert!(ran.refused(2).contains("https://relay.example.com"));
    let brotr = bench.paths.config.join("brotr.yaml");
    std::fs::write(brotr, "networks: {clearnet: {enabled: false}}\n").unwrap();
    let ran = bench.run(&["sync", "wss://relay.example.com"]).await;
    let said = ran.refused(2);
    assert!(said.contains("wss://relay.example.com"), "{said}");
    assert!(!bench.paths.data.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_an_interruption_is_kept_and_not_asked_for_again() {
    let bench = Bench::of([MemberPlan::new(Behaviour::Honest)]).await;
    let settings = bench.paths.config.join("services/synchronizer.yaml");
    std::fs::write(settings, "processing: {limit: 10}\n").unwrap();
    let url = bench.url(0);
    let member = bench.fleet.member(0);
    let mut program = Program::start(bench.folder(), bench.words(&["sync", &url]));
    let begun = async {
        while member.seen().reqs.len() < 8 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, begun).await.unwrap();
    program.signal("INT");
    let code = tokio::task::spawn_blocking(move || program.wait().code());
    assert_eq!(code.await.unwrap(), Some(0));
    let kept = bench.archived().await;
    let held = member.holds();
    assert!(
        !kept.is_empty() && kept.len() < held.len(),
        "{}",
        kept.len()
    );

    let accounts = bench.accounts(&[&url], 0).await;
    assert_eq!(accounts[0]["new"], held.len() - kept.len());
    assert!(accounts[0]["known"].as_u64().unwrap() < kept.len() as u64);
    assert_eq!(bench.archived().await, held);
}
