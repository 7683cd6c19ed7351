//! `run` keeps up with the network: what a client sees when a relay goes down and comes back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fleet::{Access, Behaviour, Certificate, ConfigOptions, Fleet, FleetPlan, MemberPlan};
use nostr_sdk::Client;

use super::reader;
use crate::program::{PATIENCE, Program};

/// Between two looks at what is published.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Rounds of the others that a relay has to miss before it counts as gone.
const MISSED_ROUNDS: u64 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_sees_a_relay_go_down_and_come_back() {
    let plan = FleetPlan::new(5)
        .events(200)
        .member(MemberPlan::healthy())
        .member(MemberPlan::healthy().access(Access::Tls(Certificate::Valid)))
        .member(MemberPlan::new(Behaviour::Silent));
    let fleet = Fleet::start(plan).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let options = ConfigOptions {
        relay_listen: ([127, 0, 0, 1], 0).into(),
        metrics_listen: None,
        timeout_seconds: 2,
        interval_seconds: 1,
        ..ConfigOptions::default()
    };
    let paths = fleet.write_config(directory.path(), &options).unwrap();
    let arguments = [vec!["run".to_owned()], paths.arguments()].concat();
    let mut program = Program::start(directory.path(), arguments);
    let client = reader::connect(&program.address("relay")).await;
    let goes = fleet.member(1);
    let (stays, goes_url) = (slash(fleet.member(0).url()), slash(goes.url()));

    let both = |seen: &BTreeMap<String, u64>| seen.len() == 2;
    let seen = until(&client, "both relays", both).await;
    assert!(seen.contains_key(&stays) && seen.contains_key(&goes_url));

    goes.go_down().await;
    let gone_at = reader::published(&client).await[&goes_url];
    // One check may have been under way; after it the relay falls behind.
    let has_missed = |seen: &BTreeMap<String, u64>| seen[&stays] >= gone_at + 2 + MISSED_ROUNDS;
    let seen = until(&client, "rounds without the relay", has_missed).await;
    let last = seen[&goes_url];
    assert!(
        last <= gone_at + 2,
        "published {last}, down since {gone_at}"
    );

    goes.come_back().await.unwrap();
    let is_back = |seen: &BTreeMap<String, u64>| seen[&goes_url] > last;
    until(&client, "the relay again", is_back).await;

    client.shutdown().await;
    assert!(program.stop().success());
    fleet.stop().await;
}

fn slash(url: &nips::RelayUrl) -> String {
    format!("{url}/")
}

/// Asks until what is published is as it should be.
async fn until(
    client: &Client,
    what: &str,
    is_so: impl Fn(&BTreeMap<String, u64>) -> bool,
) -> BTreeMap<String, u64> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = reader::published(client).await;
        if is_so(&seen) {
            return seen;
        }
        assert!(Instant::now() < deadline, "no {what}: {seen:?}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
