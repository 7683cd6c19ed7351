//! From a URL to a session: phases, certificates, deadlines.

use std::time::Duration;

use bigbrotr::net::{CertificateProblem, Net, NetError, OpenOptions, Outcome, Phase, Session};
use fleet::{Access, Behaviour, Certificate, MemberPlan};
use tokio::time::Instant;

use super::{Lab, PATIENCE, SHORT, SLACK, any, options, soon};

async fn open(lab: &Lab, allow_insecure: bool) -> Result<Session, NetError> {
    let options = OpenOptions {
        allow_insecure,
        ..OpenOptions::default()
    };
    lab.net.open(lab.url(), soon(), options).await
}

/// Opens within some time and returns the error and the time it took.
async fn fail_within(
    patience: Duration,
    behaviour: Behaviour,
    access: Access,
) -> (NetError, Duration) {
    let lab = Lab::of(MemberPlan::new(behaviour).access(access)).await;
    let start = Instant::now();
    let opened = lab
        .net
        .open(lab.url(), start + patience, OpenOptions::default());
    let Err(error) = opened.await else {
        panic!("a session with {}", lab.url());
    };
    (error, start.elapsed())
}

#[tokio::test]
async fn every_phase_is_timed() {
    let lab = Lab::of(MemberPlan::healthy().access(Access::Tls(Certificate::Valid))).await;
    let session = open(&lab, false).await.unwrap();
    let phases = session.phases();
    let parts = phases.dns.unwrap() + phases.tcp + phases.tls.unwrap() + phases.upgrade;
    assert!(parts <= phases.total, "{phases:?}");
    assert!(parts > Duration::ZERO);
    assert_eq!(session.remote_addr(), lab.member().address());
    let tls = session.tls().unwrap();
    assert_eq!((tls.problem, tls.protocol), (None, "TLSv1.3"));
    assert!(
        session
            .peer_certificate()
            .is_some_and(|der| der.len() > 100)
    );
    let plain = Lab::of(MemberPlan::healthy()).await;
    let session = open(&plain, false).await.unwrap();
    assert_eq!(session.phases().tls, None);
    assert!(session.tls().is_none() && session.peer_certificate().is_none());
}

#[tokio::test]
async fn the_upgrade_carries_our_name_and_its_headers_have_no_case() {
    let lab = Lab::of(MemberPlan::healthy()).await;
    let session = open(&lab, false).await.unwrap();
    let headers = session.upgrade_headers();
    assert_eq!(headers.get("UPGRADE"), headers.get("upgrade"));
    assert!(headers.get("upgrade").is_some());
    let request = lab.member().seen().requests.remove(0);
    assert_eq!(request.user_agent, Some(lab.settings.user_agent.clone()));
    assert_eq!(request.path, "/");
}

#[tokio::test]
async fn b24_bad_certificates_need_allow_insecure() {
    for (certificate, problem) in [
        (Certificate::SelfSigned, CertificateProblem::UnknownIssuer),
        (Certificate::Expired, CertificateProblem::Expired),
        (Certificate::WrongName, CertificateProblem::WrongName),
    ] {
        let lab = Lab::of(MemberPlan::healthy().access(Access::Tls(certificate))).await;
        let Err(NetError::Certificate { problem: found, .. }) = open(&lab, false).await else {
            panic!("{certificate:?} was good enough");
        };
        assert_eq!(found, problem);
        let mut session = open(&lab, true).await.unwrap();
        assert_eq!(session.tls().unwrap().problem, Some(problem));
        let report = session.fetch(&[any(5)], options(soon())).await.1;
        assert_eq!((report.outcome, report.events), (Outcome::Eose, 5));
    }
}

#[tokio::test]
async fn without_the_extra_authority_nobody_vouches_for_the_laboratory() {
    let lab = Lab::of(MemberPlan::healthy().access(Access::Tls(Certificate::Valid))).await;
    let mut settings = lab.settings.clone();
    settings.extra_ca_file = None;
    let net = Net::new(settings).unwrap();
    let opened = net.open(lab.url(), soon(), OpenOptions::default()).await;
    let problem = CertificateProblem::UnknownIssuer;
    assert!(matches!(opened, Err(NetError::Certificate { problem: p, .. }) if p == problem));
}

#[tokio::test]
async fn an_authority_that_cannot_be_read_is_an_error_at_the_start() {
    let lab = Lab::start(fleet::FleetPlan::new(1)).await;
    for path in ["/nowhere/ca.pem", "/dev/null"] {
        let mut settings = lab.settings.clone();
        settings.extra_ca_file = Some(path.into());
        let error = Net::new(settings).unwrap_err();
        assert_eq!(error.reason(), "setup");
        assert!(error.to_string().contains(path));
    }
}

#[tokio::test]
async fn b16_one_deadline_for_handshake_and_tls() {
    let pace = Duration::from_secs(1);
    let slow_tls = Behaviour::SlowTls { pace };
    for (behaviour, access, phase) in [
        (
            Behaviour::SlowHandshake { pace },
            Access::Loopback,
            Phase::Upgrade,
        ),
        (slow_tls, Access::Tls(Certificate::Valid), Phase::Tls),
    ] {
        let (error, elapsed) = fail_within(SHORT, behaviour, access).await;
        assert!(
            matches!(error, NetError::TimedOut { phase: p } if p == phase),
            "{error}"
        );
        assert!(elapsed < SHORT + SLACK);
        assert!(error.is_transient());
    }
}

#[tokio::test]
async fn what_is_no_websocket_says_so() {
    for (status, reason) in [
        (200, "upgrade_refused"),
        (404, "upgrade_refused"),
        (429, "relay_unavailable"),
        (503, "relay_unavailable"),
    ] {
        let behaviour = Behaviour::HttpOnly { status };
        let (error, _) = fail_within(PATIENCE, behaviour, Access::Loopback).await;
        assert!(
            matches!(error, NetError::Upgrade { status: s, .. } if s == Some(status)),
            "{error:?}"
        );
        assert_eq!(error.reason(), reason);
    }
}

#[tokio::test]
async fn a_closed_port_and_one_that_hangs_up_are_failed_connections() {
    for behaviour in [Behaviour::Dead, Behaviour::AcceptsThenCloses] {
        let (error, _) = fail_within(PATIENCE, behaviour, Access::Loopback).await;
        assert_eq!(error.reason(), "connect_failed", "{error:?}");
    }
}
