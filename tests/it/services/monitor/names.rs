//! DNS records and HTTP headers of a relay.

use std::net::IpAddr;
use std::time::Duration;

use bigbrotr::checks::dns;
use bigbrotr::model::{MetadataType, RelayState};
use fleet::{Access, Certificate, DnsAnswer, MemberPlan};
use nips::nip66::{Dns, Http};
use tokio::time::Instant;

use super::super::given::{AT_ONCE, Given, HOUR, PATIENCE, cycle};
use super::{discovery, document_of, look, monitor, relay, result_of};

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// A member that is reached through `networks.hosts`, so that name servers may say what they like.
async fn given_with(answer: DnsAnswer) -> Given {
    let given = Given::of(MemberPlan::healthy().access(Access::Tls(Certificate::Valid))).await;
    given.fleet.dns().set(given.member().host(), answer);
    given
}

async fn read(given: &Given) -> Result<Dns, &'static str> {
    let deadline = Instant::now() + PATIENCE;
    let read = dns::read(&given.context.net, given.member().url(), deadline).await;
    read.map_err(|failure| failure.reason())
}

async fn stored(given: &Given) -> Option<Dns> {
    result_of(given, given.member(), MetadataType::Nip66Dns).await
}

#[tokio::test]
async fn records_are_stored_in_order_and_published() {
    let all = addresses(&["9.9.9.9", "2620:fe::9", "8.8.8.8", "10.0.0.1", "::1"]);
    let given = given_with(DnsAnswer::Addresses(all)).await;
    look(&given).await;
    let dns = stored(&given).await.unwrap();
    let expected = Dns {
        ips: vec!["8.8.8.8".parse().unwrap(), "9.9.9.9".parse().unwrap()],
        ips_v6: vec!["2620:fe::9".parse().unwrap()],
        cname: None,
        reverse: Some("reverse.nostr-lab.net".to_owned()),
        ns: vec!["ns1.nostr-lab.net".to_owned()],
        ttl: Some(300),
        query_time: None,
    };
    assert_eq!(dns, expected);
    let published = discovery(&given, given.member()).await.unwrap();
    let published = published.dns.unwrap();
    assert_eq!(published.ips, expected.ips[..1]);
    assert_eq!(published.ips_v6, expected.ips_v6);
    assert_eq!(published.ttl, Some(300));
}

#[tokio::test]
async fn an_alias_is_followed_and_named() {
    let given = given_with(DnsAnswer::Alias("edge.nostr-lab.net".to_owned())).await;
    let server = given.fleet.dns();
    server.set(
        "edge.nostr-lab.net",
        DnsAnswer::Alias("pop.nostr-lab.net".to_owned()),
    );
    server.set(
        "pop.nostr-lab.net",
        DnsAnswer::Addresses(addresses(&["8.8.8.8"])),
    );
    let dns = read(&given).await.unwrap();
    assert_eq!(dns.cname.as_deref(), Some("edge.nostr-lab.net"));
    assert_eq!(dns.ips, ["8.8.8.8".parse::<std::net::Ipv4Addr>().unwrap()]);
}

#[tokio::test]
async fn a_truncated_answer_is_asked_for_again_over_tcp() {
    let given = given_with(DnsAnswer::Truncated(addresses(&["8.8.8.8"]))).await;
    assert_eq!(read(&given).await.unwrap().ips.len(), 1);
    let queries = given.fleet.dns().queries();
    assert!(queries.iter().any(|query| query.is_tcp));
}

#[tokio::test]
async fn a_slow_name_server_is_timed_and_not_waited_for_for_ever() {
    let delay = Duration::from_millis(700);
    let slow = |delay| DnsAnswer::Slow {
        delay,
        addresses: addresses(&["8.8.8.8"]),
    };
    let given = given_with(slow(delay)).await;
    assert!(read(&given).await.unwrap().query_time.unwrap() >= delay);
    given
        .fleet
        .dns()
        .set(given.member().host(), DnsAnswer::Silence);
    let started = Instant::now();
    let deadline = started + Duration::from_secs(1);
    let late = dns::read(&given.context.net, given.member().url(), deadline).await;
    assert_eq!(late.unwrap_err().reason(), "timed_out");
    assert!(started.elapsed() < AT_ONCE);
}

#[tokio::test]
async fn names_without_address_and_servers_that_fail_are_told_apart() {
    for (answer, reason) in [
        (DnsAnswer::NoSuchName, "no_address"),
        (DnsAnswer::Addresses(Vec::new()), "no_address"),
        (DnsAnswer::ServerFailure, "dns_failed"),
    ] {
        let given = given_with(answer.clone()).await;
        assert_eq!(read(&given).await.unwrap_err(), reason, "{answer:?}");
        look(&given).await;
        assert!(stored(&given).await.is_none());
        let state = relay(&given, given.member()).await.state;
        assert_eq!(state, RelayState::Online, "one check does not fail another");
    }
}

#[tokio::test]
async fn a_name_that_turns_to_loopback_says_nothing_about_the_relay() {
    let given = given_with(DnsAnswer::Rebinding {
        first: addresses(&["127.0.0.1"]),
        then: addresses(&["127.0.0.1", "169.254.169.254"]),
    })
    .await;
    let dns = read(&given).await.unwrap();
    assert!(dns.ips.is_empty());
    assert_eq!(dns.ttl, Some(0));
}

#[tokio::test]
async fn records_that_only_grow_older_make_no_new_document() {
    let answer = DnsAnswer::Addresses(addresses(&["8.8.8.8"]));
    let given = given_with(answer.clone()).await;
    look(&given).await;
    let member = given.member();
    let document = document_of(&given, member, MetadataType::Nip66Dns).await;
    for (then, is_new) in [("8.8.8.8", false), ("9.9.9.9", true)] {
        // A TTL of 0 is what is left of one of 300.
        let aged = addresses(&[then]);
        given.fleet.dns().set(
            member.host(),
            DnsAnswer::Rebinding {
                first: aged.clone(),
                then: aged,
            },
        );
        given.clock.advance(HOUR);
        cycle(&monitor(&given.context)).await;
        let now = document_of(&given, member, MetadataType::Nip66Dns).await;
        assert_eq!(now != document, is_new, "{then}");
    }
}

#[tokio::test]
async fn relays_without_a_public_name_have_no_records() {
    for access in [Access::Loopback, Access::Onion] {
        let given = Given::of(MemberPlan::healthy().access(access)).await;
        look(&given).await;
        assert!(stored(&given).await.is_none());
        assert!(given.fleet.dns().queries().is_empty());
    }
}

#[tokio::test]
async fn b29_headers_are_read_whatever_their_case() {
    let given = Given::of(MemberPlan::healthy()).await;
    look(&given).await;
    let http: Http = result_of(&given, given.member(), MetadataType::Nip66Http)
        .await
        .unwrap();
    assert_eq!(http.server.as_deref(), Some("nostr-lab"));
    assert_eq!(http.powered_by.as_deref(), Some("seeded events"));
    let published = discovery(&given, given.member()).await.unwrap();
    assert_eq!(published.http, Some(http));
}
