//! What the program's relay serves, to a client that we did not write.

use std::collections::BTreeSet;
use std::time::Duration;

use fleet::ConfigPaths;
use nostr_sdk::{Client, Filter, Kind};

use super::pass;

/// How long the relay may take to start, and to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// More than there are; the relay's own limit.
const LIMIT: usize = 5_000;

/// The URLs that discovery events are served about (kind 30166), without the last slash.
pub(crate) async fn served(paths: &ConfigPaths) -> BTreeSet<String> {
    let mut relay = pass::program(paths, &["relay"]);
    let client = Client::default();
    client.add_relay(url(paths)).await.expect("it is a URL");
    client.connect().await;
    client.wait_for_connection(PATIENCE).await;
    let filter = Filter::new().kind(Kind::Custom(30_166)).limit(LIMIT);
    let events = client.fetch_events(filter, PATIENCE).await;
    let events = events.expect("the relay answers");
    client.shutdown().await;
    // Its data are in a temporary directory; there is nothing to be saved.
    let _ = relay.kill();
    let _ = relay.wait();
    let subjects = events.iter().filter_map(|event| event.tags.identifier());
    subjects
        .map(|url| url.trim_end_matches('/').to_owned())
        .collect()
}

/// Where the configuration says that it listens.
fn url(paths: &ConfigPaths) -> String {
    let yaml = std::fs::read_to_string(paths.relay_config.join("relay.yaml"));
    let yaml = yaml.expect("it was written");
    let address = yaml.trim().trim_start_matches("listen: ").trim_matches('"');
    format!("ws://{address}")
}
