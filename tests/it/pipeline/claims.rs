//! What a client is told about relays that do not do what they claim.

use std::time::{Duration, Instant};

use fleet::{
    Behaviour, Conduct, ConfigOptions, Counting, Fleet, FleetPlan, Information, MemberPlan,
};
use nostr_sdk::Client;
use serde_json::json;

use super::reader;
use crate::program::{PATIENCE, Program};

/// Between two looks at what is published.
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread")]
async fn a_client_asks_for_relays_that_really_count() {
    let claimant = |counting| {
        let document = json!({ "supported_nips": [1, 45] }).to_string();
        let conduct = Conduct {
            counting,
            ..Conduct::exemplary()
        };
        MemberPlan::new(Behaviour::Conducts(conduct)).information(Information::Custom(document))
    };
    let plan = FleetPlan::new(5)
        .events(60)
        .member(claimant(Counting::Rightly))
        .member(claimant(Counting::Puzzled));
    let fleet = Fleet::start(plan).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let options = ConfigOptions {
        relay_listen: ([127, 0, 0, 1], 0).into(),
        metrics_listen: None,
        timeout_seconds: 5,
        interval_seconds: 1,
        ..ConfigOptions::default()
    };
    let paths = fleet.write_config(directory.path(), &options).unwrap();
    let arguments = [vec!["run".to_owned()], paths.arguments()].concat();
    let mut program = Program::start(directory.path(), arguments);
    let client = reader::connect(&program.address("relay")).await;
    for (label, index) in [("nip-45:yes", 0), ("nip-45:no", 1)] {
        let labelled = until_labelled(&client, label).await;
        assert_eq!(labelled, [format!("{}/", fleet.member(index).url())]);
    }
    client.shutdown().await;
    assert!(program.stop().success());
    fleet.stop().await;
}

async fn until_labelled(client: &Client, label: &str) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let labelled = reader::labelled(client, label).await;
        if !labelled.is_empty() {
            return labelled;
        }
        assert!(Instant::now() < deadline, "nothing is {label}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
