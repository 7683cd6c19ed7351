//! Who may publish.

use std::net::SocketAddr;

use bigbrotr::config::{PolicyConfig, WriteAccess};
use bigbrotr::relay::RelaySettings;
use nips::Kind;
use serde_json::Value;

use super::client::Client;
use super::server::{named, relay_with};
use crate::archive::given::{NOW, author, forged};
use crate::cli::operator::Operator;

const MONITOR: u64 = 1;
const LISTED: u64 = 2;
const STRANGER: u64 = 3;

fn settings(access: WriteAccess) -> RelaySettings {
    let mut settings = RelaySettings::default();
    settings.write.access = access;
    settings.write.insiders.insert(author(MONITOR).pubkey());
    if access == WriteAccess::Allowlist {
        settings
            .write
            .authors_allowed
            .insert(author(LISTED).pubkey());
    }
    settings
}

#[tokio::test]
async fn each_policy_lets_in_whom_it_names_and_tells_the_others() {
    for (access, refusals) in [
        (WriteAccess::Open, [None, None, None]),
        (
            WriteAccess::Authed,
            [None, Some("auth-required:"), Some("auth-required:")],
        ),
        (WriteAccess::Allowlist, [None, None, Some("blocked:")]),
        (
            WriteAccess::MonitorOnly,
            [None, Some("blocked:"), Some("blocked:")],
        ),
    ] {
        let relay = relay_with(settings(access)).await;
        let mut client = relay.client().await;
        for (number, refusal) in [MONITOR, LISTED, STRANGER].into_iter().zip(refusals) {
            let event = author(number).sign(Kind(1), NOW, Vec::new(), "");
            let (is_accepted, text) = client.publish(&event).await;
            assert_eq!(is_accepted, refusal.is_none(), "{access:?} {number} {text}");
            assert!(text.starts_with(refusal.unwrap_or_default()), "{text}");
        }
        let document: Value = serde_json::from_str(&relay.relay.information()).unwrap();
        let is_restricted = access != WriteAccess::Open;
        assert_eq!(document["limitation"]["restricted_writes"], is_restricted);
    }
}

#[tokio::test]
async fn who_has_proved_a_key_may_publish_where_that_is_asked_for() {
    let relay = relay_with(RelaySettings {
        urls: named().urls,
        ..settings(WriteAccess::Authed)
    })
    .await;
    let mut client = relay.client().await;
    let event = author(STRANGER).sign(Kind(1), NOW, Vec::new(), "");
    client
        .send_text(&format!("[\"EVENT\",{}]", event.to_json()))
        .await;
    let challenge = client.challenge().await;
    let (is_accepted, text) = client.verdict(&event.id().to_hex()).await;
    assert!(!is_accepted && text.starts_with("auth-required:"), "{text}");
    // Whose key it is makes no difference.
    client.authenticate(&author(LISTED), &challenge).await;
    assert!(client.publish(&event).await.0);
    // Somebody else's proof is none of theirs.
    let other = author(STRANGER).sign(Kind(1), NOW - 1, Vec::new(), "");
    let mut stranger = relay.client().await;
    stranger
        .send_text(&format!("[\"EVENT\",{}]", other.to_json()))
        .await;
    stranger.challenge().await;
    assert!(!stranger.verdict(&other.id().to_hex()).await.0);
}

#[tokio::test]
async fn a_forgery_does_not_pass_for_the_monitor() {
    let relay = relay_with(settings(WriteAccess::MonitorOnly)).await;
    let mut client = relay.client().await;
    let event = author(MONITOR).sign(Kind(1), NOW, Vec::new(), "");
    let forged = forged(&event);
    client.send_text(&format!("[\"EVENT\",{forged}]")).await;
    let (is_accepted, text) = client.verdict(&event.id().to_hex()).await;
    assert!(!is_accepted && text.starts_with("invalid:"), "{text}");
}

#[test]
fn unless_the_operator_chose_only_this_machine_may_write() {
    let mut policy = PolicyConfig::default();
    let access = |policy: &PolicyConfig, listen: &str| {
        let listen: SocketAddr = listen.parse().unwrap();
        policy.write_access(listen)
    };
    for local in [
        "127.0.0.1:7777",
        "127.9.9.9:1",
        "[::1]:1",
        "[::ffff:127.0.0.1]:1",
    ] {
        assert_eq!(access(&policy, local), WriteAccess::Open, "{local}");
    }
    for reachable in ["0.0.0.0:7777", "[::]:7777", "192.0.2.1:80", "10.0.0.1:80"] {
        assert_eq!(access(&policy, reachable), WriteAccess::MonitorOnly);
    }
    policy.write.policy = Some(WriteAccess::Open);
    assert_eq!(access(&policy, "0.0.0.0:7777"), WriteAccess::Open);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_says_who_may_write_and_holds_to_it() {
    let operator = Operator::offline();
    let key = author(MONITOR).secret_hex();
    for (policy, said, stranger_may) in [
        (
            "",
            "open: everybody may publish (the default on loopback)",
            true,
        ),
        (
            "write: {policy: monitor_only}\n",
            "monitor_only: only our monitor and the operator may publish (write.policy)",
            false,
        ),
    ] {
        operator.write("relay-config/policy.yaml", policy);
        let mut command = operator.command(&["relay"]);
        command.env("PRIVATE_KEY", &key);
        let mut running = crate::program::Program::spawn(command);
        running.wait_for("the policy", |text| text.contains(said).then_some(()));
        let mut client = Client::connect(operator.public_address()).await;
        for (number, expected) in [(MONITOR, true), (STRANGER, stranger_may)] {
            let event = author(number).sign(Kind(1), NOW, Vec::new(), policy);
            assert_eq!(client.publish(&event).await.0, expected, "{said}");
        }
        assert!(running.stop().success());
    }
}
