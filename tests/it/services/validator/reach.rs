//! Who may be dialled at all, by which way, and with which certificate.

use std::net::IpAddr;
use std::time::Duration;

use fleet::{Access, Behaviour, Certificate, DnsAnswer, FleetPlan, MemberPlan, SocksMode};
use nips::{Network, RelayUrl};

use super::super::given::{Given, SHORT, cycle, plan_of};
use super::{validate, validator, verdict, verdicts};

/// Addresses that no name may lead to.
const INNER: [&str; 5] = [
    "127.0.0.1",
    "10.0.0.1",
    "::1",
    "169.254.169.254",
    "2002:7f00:1::",
];

fn overlays() -> FleetPlan {
    let ways = [Access::Onion, Access::I2p, Access::Loki];
    plan_of(ways.map(|access| MemberPlan::healthy().access(access)))
}

fn connections(given: &Given) -> usize {
    let members = given.fleet.members().iter();
    members.map(|member| member.seen().connections).sum()
}

#[tokio::test]
async fn b23_names_that_lead_inside_are_refused_and_never_connected_to() {
    let traps = INNER.map(|address| {
        let access = Access::Dns(vec![address.parse::<IpAddr>().unwrap()]);
        MemberPlan::new(Behaviour::Honest).access(access)
    });
    let given = Given::start(plan_of(traps)).await;
    validate(&given).await;
    for (member, verdict) in verdicts(&given).await {
        let url = member.url();
        assert_eq!(verdict, Err("address_refused".to_owned()), "{url}");
    }
    assert_eq!(connections(&given), 0);
    let asked = given.fleet.dns().queries();
    assert!(asked.len() >= INNER.len(), "{asked:?}");
}

#[tokio::test]
async fn b23_a_name_that_turns_inside_later_is_refused_then_too() {
    let given = Given::of(MemberPlan::new(Behaviour::Honest)).await;
    let trap = given.member().address();
    let url = RelayUrl::parse(&format!("wss://rebind.nostr-lab.net:{}", trap.port())).unwrap();
    let rebinding = DnsAnswer::Rebinding {
        // Of TEST-NET-3: refused as well, for a test dials no public address.
        first: vec!["203.0.113.9".parse().unwrap()],
        then: vec![trap.ip()],
    };
    given.fleet.dns().set("rebind.nostr-lab.net", rebinding);
    given.name(std::slice::from_ref(&url)).await;
    let validator = validator(&given.context);
    for failures in 1..=3 {
        cycle(&validator).await;
        let candidate = given.candidate(&url).await.unwrap();
        assert_eq!(candidate.failures, failures);
        assert_eq!(candidate.last_reason.as_deref(), Some("address_refused"));
        given.wait_for(candidate.next_attempt_at);
    }
    assert_eq!(connections(&given), 0);
}

#[tokio::test]
async fn b24_only_a_valid_certificate_will_do() {
    let certificates = [
        (Certificate::SelfSigned, Err("certificate_unknown_issuer")),
        (Certificate::Expired, Err("certificate_expired")),
        (Certificate::WrongName, Err("certificate_wrong_name")),
        (Certificate::Valid, Ok(())),
    ];
    let members = certificates.map(|(it, _)| MemberPlan::healthy().access(Access::Tls(it)));
    let given = Given::start(plan_of(members)).await;
    validate(&given).await;
    for ((member, verdict), (certificate, expected)) in
        verdicts(&given).await.iter().zip(certificates)
    {
        let verdict = verdict.as_ref().map_err(String::as_str).copied();
        assert_eq!(verdict, expected, "{certificate:?}");
        let has_asked = !member.seen().requests.is_empty();
        assert_eq!(has_asked, expected.is_ok(), "{certificate:?}");
    }
}

#[tokio::test]
async fn b24_an_operator_may_accept_any_certificate() {
    let certificates = [
        Certificate::SelfSigned,
        Certificate::Expired,
        Certificate::WrongName,
    ];
    let members = certificates.map(|it| MemberPlan::healthy().access(Access::Tls(it)));
    let given = Given::start(plan_of(members)).await;
    given.name_all().await;
    let trusting = given.context_with(|settings| settings.allow_insecure = true);
    cycle(&validator(&trusting)).await;
    for (member, verdict) in verdicts(&given).await {
        assert_eq!(verdict, Ok(()), "{}", member.url());
    }
}

#[tokio::test]
async fn b30_a_dead_relay_is_refused_or_cut_off() {
    let members = [Behaviour::Dead, Behaviour::AcceptsThenCloses].map(MemberPlan::new);
    let given = Given::start(plan_of(members)).await;
    validate(&given).await;
    for (member, verdict) in verdicts(&given).await {
        let url = member.url();
        assert_eq!(verdict, Err("connect_failed".to_owned()), "{url}");
    }
}

#[tokio::test]
async fn b31_overlay_names_go_to_the_proxy_and_to_no_name_server() {
    let given = Given::start(overlays()).await;
    validate(&given).await;
    for (member, verdict) in verdicts(&given).await {
        assert_eq!(verdict, Ok(()), "{}", member.url());
    }
    let asked = given.fleet.socks().requests();
    assert_eq!(asked.len(), given.fleet.members().len());
    for member in given.fleet.members() {
        let request = asked.iter().find(|request| request.host == member.host());
        let request = request.unwrap_or_else(|| panic!("{} was not asked for", member.url()));
        assert!(request.is_name);
        assert_eq!(request.port, 80);
    }
    assert_eq!(given.fleet.dns().queries(), []);
}

#[tokio::test]
async fn b31_without_its_proxy_an_overlay_is_left_alone() {
    let given = Given::start(overlays()).await;
    given.name_all().await;
    for is_enabled in [true, false] {
        let context = given.context_with(|settings| {
            for network in [Network::Tor, Network::I2p, Network::Loki] {
                let one = settings.networks.get_mut(network);
                one.enabled = is_enabled;
                one.proxy = one.proxy.take().filter(|_| !is_enabled);
            }
        });
        let summary = cycle(&validator(&context)).await;
        assert_eq!(summary.count("total"), 0);
    }
    // They wait for the day on which there is a proxy, and nothing is held against them.
    let candidates = given.candidates().await;
    assert_eq!(candidates.len(), 3);
    assert!(candidates.iter().all(|candidate| candidate.failures == 0));
    assert_eq!(given.fleet.socks().requests(), []);
    assert_eq!(given.fleet.dns().queries(), []);
    assert_eq!(connections(&given), 0);
}

#[tokio::test]
async fn b31_a_proxy_that_refuses_or_stalls_fails_closed() {
    for (mode, reason) in [
        (SocksMode::Refuse, "proxy_failed"),
        (SocksMode::Stall, "timed_out"),
    ] {
        let given = Given::within(SHORT, overlays()).await;
        given.fleet.socks().set_mode(mode);
        validate(&given).await;
        for (member, verdict) in verdicts(&given).await {
            assert_eq!(verdict, Err(reason.to_owned()), "{}", member.url());
        }
        assert_eq!(given.fleet.dns().queries(), []);
        assert_eq!(connections(&given), 0);
    }
}

#[tokio::test]
async fn names_that_do_not_resolve_are_told_apart() {
    let given = Given::within(Duration::from_secs(5), FleetPlan::new(1)).await;
    let answers = [
        ("gone", DnsAnswer::NoSuchName, "no_address"),
        ("empty", DnsAnswer::Addresses(Vec::new()), "no_address"),
        ("broken", DnsAnswer::ServerFailure, "dns_failed"),
    ];
    let mut urls = Vec::new();
    for (label, answer, _) in &answers {
        let name = format!("{label}.nostr-lab.net");
        given.fleet.dns().set(&name, answer.clone());
        urls.push(RelayUrl::parse(&format!("wss://{name}")).unwrap());
    }
    given.name(&urls).await;
    cycle(&validator(&given.context)).await;
    for (url, (_, _, reason)) in urls.iter().zip(&answers) {
        assert_eq!(verdict(&given, url).await, Err((*reason).to_owned()));
    }
}
