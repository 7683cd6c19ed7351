//! Names, addresses and networks: what may be resolved by whom, and dialled at all.

use std::time::Duration;

use bigbrotr::net::{HttpOptions, HttpUrl, Net, NetError, OpenOptions, Outcome, Phase};
use fleet::{Access, Behaviour, DnsAnswer, FleetPlan, MemberPlan, SocksMode};
use nips::{Network, RelayUrl};
use tokio::time::Instant;

use super::{Lab, SHORT, SLACK, any, options, soon};

/// What a name of the laboratory's domain leads to when DNS says this.
async fn open_name(lab: &Lab, name: &str, answer: DnsAnswer, deadline: Instant) -> NetError {
    lab.fleet.dns().set(name, answer);
    let relay = RelayUrl::parse(&format!("wss://{name}")).expect("a public name");
    let opened = lab.net.open(&relay, deadline, OpenOptions::default()).await;
    let Err(error) = opened else {
        panic!("a session with {name}");
    };
    error
}

#[tokio::test]
async fn b23_a_name_that_leads_inside_is_refused() {
    for address in [
        "127.0.0.1",
        "10.0.0.1",
        "::1",
        "169.254.169.254",
        "2002:7f00:1::",
    ] {
        let access = Access::Dns(vec![address.parse().unwrap()]);
        let lab = Lab::of(MemberPlan::new(Behaviour::Honest).access(access)).await;
        let opened = lab
            .net
            .open(lab.url(), soon(), OpenOptions::default())
            .await;
        assert!(
            matches!(opened, Err(NetError::AddressRefused { .. })),
            "{address}"
        );
        let url = HttpUrl::of_relay(lab.url()).unwrap();
        let http = HttpOptions {
            accept: "*/*",
            max_bytes: 1,
            deadline: soon(),
            max_redirects: 0,
            allow_insecure: false,
        };
        let got = lab.net.http_get(&url, http).await;
        assert!(
            matches!(got, Err(NetError::AddressRefused { .. })),
            "{address}"
        );
        assert_eq!(lab.member().seen().connections, 0);
    }
}

#[tokio::test]
async fn b23_every_new_answer_is_judged_anew() {
    let lab = Lab::of(MemberPlan::new(Behaviour::Honest)).await;
    let inside = lab.member().address().ip();
    let answer = DnsAnswer::Rebinding {
        // Of TEST-NET-3, which is as reserved as the other: a test dials no public address.
        first: vec!["203.0.113.9".parse().unwrap()],
        then: vec![inside],
    };
    let port = lab.member().address().port();
    lab.fleet.dns().set("rebind.nostr-lab.net", answer);
    let relay = RelayUrl::parse(&format!("wss://rebind.nostr-lab.net:{port}")).unwrap();
    for _ in 0..3 {
        let opened = lab.net.open(&relay, soon(), OpenOptions::default()).await;
        assert!(matches!(opened, Err(NetError::AddressRefused { .. })));
    }
    assert_eq!(lab.member().seen().connections, 0);
}

#[tokio::test]
async fn local_literals_need_the_switch_and_names_gain_nothing_by_it() {
    let lab = Lab::of(MemberPlan::new(Behaviour::Honest)).await;
    let mut settings = lab.settings.clone();
    settings.networks.local.enabled = false;
    let net = Net::new(settings).unwrap();
    let opened = net.open(lab.url(), soon(), OpenOptions::default()).await;
    let network = Network::Local;
    assert!(matches!(opened, Err(NetError::NetworkDisabled { network: n }) if n == network));
    assert!(
        lab.net
            .open(lab.url(), soon(), OpenOptions::default())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn failures_of_dns_are_told_apart() {
    let lab = Lab::start(FleetPlan::new(1)).await;
    for (answer, reason) in [
        (DnsAnswer::NoSuchName, "no_address"),
        (DnsAnswer::Addresses(Vec::new()), "no_address"),
        (DnsAnswer::ServerFailure, "dns_failed"),
    ] {
        let name = format!("{reason}.nostr-lab.net").replace('_', "-");
        let error = open_name(&lab, &name, answer, soon()).await;
        assert_eq!(error.reason(), reason, "{error:?}");
    }
    // Follows aliases, and falls back to TCP: both lead to the address policy.
    let inside = vec!["10.1.2.3".parse().unwrap()];
    lab.fleet
        .dns()
        .set("inside.nostr-lab.net", DnsAnswer::Addresses(inside.clone()));
    let alias = DnsAnswer::Alias("inside.nostr-lab.net".to_owned());
    for (name, answer) in [
        ("alias.nostr-lab.net", alias),
        ("truncated.nostr-lab.net", DnsAnswer::Truncated(inside)),
    ] {
        let error = open_name(&lab, name, answer, soon()).await;
        assert_eq!(error.reason(), "address_refused", "{name}: {error:?}");
    }
}

#[tokio::test]
async fn a_silent_name_server_costs_the_deadline_and_no_more() {
    let lab = Lab::start(FleetPlan::new(1)).await;
    let start = Instant::now();
    let silence = DnsAnswer::Silence;
    let error = open_name(&lab, "silent.nostr-lab.net", silence, start + SHORT).await;
    assert!(
        matches!(error, NetError::TimedOut { phase: Phase::Dns }),
        "{error:?}"
    );
    assert!(start.elapsed() < SHORT + SLACK);
}

#[tokio::test]
async fn answers_are_cached() {
    let lab = Lab::start(FleetPlan::new(1)).await;
    let inside = DnsAnswer::Addresses(vec!["10.0.0.1".parse().unwrap()]);
    for _ in 0..3 {
        open_name(&lab, "cached.nostr-lab.net", inside.clone(), soon()).await;
    }
    let queries = lab.fleet.dns().queries();
    let a = queries.iter().filter(|query| query.record_type == "A");
    assert_eq!(a.count(), 1, "{queries:?}");
}

#[tokio::test]
async fn b31_all_three_overlays_go_through_the_proxy_by_name() {
    let plan = [Access::Onion, Access::I2p, Access::Loki].into_iter();
    let plan = plan.fold(FleetPlan::new(5).events(30), |plan, access| {
        plan.member(MemberPlan::healthy().access(access))
    });
    let lab = Lab::start(plan).await;
    for member in lab.fleet.members() {
        let session = lab
            .net
            .open(member.url(), soon(), OpenOptions::default())
            .await;
        let mut session = session.unwrap();
        assert_eq!(session.phases().dns, None);
        let report = session.fetch(&[any(50)], options(soon())).await.1;
        assert_eq!(report.outcome, Outcome::Eose);
        assert_eq!(report.events, member.holds().len());
        let http = HttpOptions {
            accept: "application/nostr+json",
            max_bytes: 10_000,
            deadline: soon(),
            max_redirects: 0,
            allow_insecure: false,
        };
        let url = HttpUrl::of_relay(member.url()).unwrap();
        assert_eq!(lab.net.http_get(&url, http).await.unwrap().status, 200);
        let requests = lab.fleet.socks().requests();
        let ours = requests
            .iter()
            .filter(|request| request.host == member.host());
        assert_eq!(ours.filter(|request| request.is_name).count(), 2);
    }
    assert_eq!(lab.fleet.dns().queries(), []);
}

#[tokio::test]
async fn b31_without_proxy_an_overlay_fails_closed() {
    let lab = Lab::of(MemberPlan::healthy().access(Access::Onion)).await;
    let mut settings = lab.settings.clone();
    settings.networks.tor.proxy = None;
    let net = Net::new(settings).unwrap();
    let opened = net.open(lab.url(), soon(), OpenOptions::default()).await;
    assert!(matches!(
        opened,
        Err(NetError::ProxyMissing {
            network: Network::Tor
        })
    ));
    assert_eq!(lab.fleet.dns().queries(), []);
    assert_eq!(lab.fleet.socks().requests(), []);
    assert_eq!(lab.member().seen().connections, 0);
}

#[tokio::test]
async fn b31_each_relay_is_a_user_of_its_own_so_that_none_shares_a_circuit() {
    let plan = FleetPlan::new(3)
        .member(MemberPlan::healthy().access(Access::Onion))
        .member(MemberPlan::healthy().access(Access::Onion));
    let lab = Lab::start(plan).await;
    for member in lab.fleet.members() {
        for _ in 0..2 {
            let opened = lab.net.open(member.url(), soon(), OpenOptions::default());
            opened.await.unwrap();
        }
    }
    let requests = lab.fleet.socks().requests();
    assert_eq!(requests.len(), 4);
    for request in requests {
        assert_eq!(request.user.as_ref(), Some(&request.host));
    }
}

#[tokio::test]
async fn a_proxy_that_knows_no_users_is_not_introduced_to_one() {
    let lab = Lab::of(MemberPlan::healthy().access(Access::Loki)).await;
    lab.fleet.socks().set_mode(SocksMode::Anonymous);
    let opened = lab
        .net
        .open(lab.url(), soon(), OpenOptions::default())
        .await;
    opened.unwrap();
    let requests = lab.fleet.socks().requests();
    assert_eq!((requests.len(), &requests[0].user), (1, &None));
}

#[tokio::test]
async fn a_proxy_that_stalls_or_refuses_is_an_error_in_time() {
    let lab = Lab::of(MemberPlan::healthy().access(Access::Onion)).await;
    lab.fleet.socks().set_mode(SocksMode::Stall);
    let start = Instant::now();
    let opened = lab
        .net
        .open(lab.url(), start + SHORT, OpenOptions::default());
    assert!(matches!(
        opened.await,
        Err(NetError::TimedOut {
            phase: Phase::Proxy
        })
    ));
    assert!(start.elapsed() < SHORT + SLACK);
    lab.fleet.socks().set_mode(SocksMode::Refuse);
    let opened = lab
        .net
        .open(lab.url(), soon(), OpenOptions::default())
        .await;
    assert!(matches!(opened, Err(NetError::Proxy { .. })));
}

#[tokio::test]
async fn deadlines_follow_the_network() {
    let mut settings = bigbrotr::net::NetSettings::default();
    settings.networks.tor.timeout = Duration::from_secs(90);
    let net = Net::new(settings).unwrap();
    let now = Instant::now();
    assert!(net.deadline(Network::Tor) - now >= Duration::from_secs(90));
    assert!(net.deadline(Network::Clearnet) - now < Duration::from_secs(60));
}
