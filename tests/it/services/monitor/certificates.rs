//! Certificates, good and bad, and what is made known of them.

use bigbrotr::config::{ChecksIncluded, MonitorConfig, MonitorProcessing};
use bigbrotr::model::{MetadataType, RelayState};
use bigbrotr::net::OpenOptions;
use fleet::{Access, Certificate, Member, MemberPlan};
use nips::nip66::Ssl;
use sha2::{Digest, Sha256};

use super::super::given::{Given, HOUR, PATIENCE, cycle, plan_of};
use super::{discovery, document_of, look, look_with, monitor, relay, result_of};

/// 2020-01-01 and 2060-01-01, as the laboratory's authority has it.
const VALIDITY: (Option<u64>, Option<u64>) = (Some(1_577_836_800), Some(2_840_140_800));

fn certified(certificate: Certificate) -> MemberPlan {
    MemberPlan::healthy().access(Access::Tls(certificate))
}

async fn ssl(given: &Given, member: &Member) -> Option<Ssl> {
    result_of(given, member, MetadataType::Nip66Ssl).await
}

#[tokio::test]
async fn a_certificate_is_read_from_the_handshake_that_was_made_anyway() {
    let given = Given::of(certified(Certificate::Valid)).await;
    look(&given).await;
    let member = given.member();
    let ssl = ssl(&given, member).await.unwrap();
    assert_eq!((ssl.valid, ssl.invalid_reason), (Some(true), None));
    assert_eq!(ssl.subject_cn.as_deref(), Some(member.host()));
    assert_eq!(ssl.san, [member.host()]);
    let authority = "Nostr laboratory authority";
    assert_eq!(ssl.issuer_cn.as_deref(), Some(authority));
    assert_eq!((ssl.not_before, ssl.expires), VALIDITY);
    assert_eq!((ssl.version, ssl.issuer), (Some(2), None));
    assert_eq!(ssl.protocol.as_deref(), Some("TLSv1.3"));
    assert!(ssl.cipher.unwrap().starts_with("TLS13_"));
    assert!(matches!(ssl.cipher_bits, Some(128 | 256)));
    assert!(!ssl.serial.unwrap().is_empty());
    // A WebSocket and a NIP-11 document.
    assert_eq!(member.seen().connections, 2);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let opened = given
        .context
        .net
        .open(member.url(), deadline, OpenOptions::default());
    let session = opened.await.unwrap();
    let digest = Sha256::digest(session.peer_certificate().unwrap());
    let plain = ssl.fingerprint.unwrap().replace(':', "");
    let expected = format!("SHA256{digest:X}");
    assert_eq!(plain, expected);
    let published = discovery(&given, member).await.unwrap().ssl.unwrap();
    assert_eq!(
        (published.valid, published.expires),
        (Some(true), VALIDITY.1)
    );
}

#[tokio::test]
async fn b24_an_invalid_certificate_is_data_and_its_relay_is_not_online() {
    let certificates = [
        (Certificate::SelfSigned, "self_signed"),
        (Certificate::Expired, "expired"),
        (Certificate::NotYetValid, "not_valid_yet"),
        (Certificate::WrongName, "wrong_name"),
    ];
    let given = Given::start(plan_of(certificates.map(|(it, _)| certified(it)))).await;
    look(&given).await;
    for (member, (certificate, reason)) in given.fleet.members().iter().zip(certificates) {
        let ssl = ssl(&given, member).await.unwrap();
        assert_eq!(ssl.valid, Some(false), "{certificate:?}");
        assert_eq!(ssl.invalid_reason.as_deref(), Some(reason));
        assert!(ssl.expires.is_some() && ssl.fingerprint.is_some());
        assert_eq!(relay(&given, member).await.state, RelayState::Flaky);
        assert!(discovery(&given, member).await.is_none());
        assert!(
            member.seen().requests.is_empty(),
            "nothing was said over it"
        );
        let other = document_of(&given, member, MetadataType::Nip66Dns).await;
        assert!(other.is_none());
    }
    // The next look finds the same, and writes nothing down.
    let rows = given.totals().await.metadata;
    given.clock.advance(HOUR);
    cycle(&monitor(&given.context)).await;
    assert_eq!(given.totals().await.metadata, rows);
}

#[tokio::test]
async fn b24_who_accepts_any_certificate_says_what_is_wrong_with_it() {
    let given = Given::of(certified(Certificate::Expired)).await;
    given.trust_all().await;
    let context = given.context_with(|settings| settings.allow_insecure = true);
    cycle(&monitor(&context)).await;
    let published = discovery(&given, given.member()).await.unwrap();
    assert_eq!(published.ssl.unwrap().valid, Some(false));
    let stored = ssl(&given, given.member()).await.unwrap();
    assert_eq!(stored.invalid_reason.as_deref(), Some("expired"));
}

#[tokio::test]
async fn a_certificate_that_nobody_asked_for_is_not_looked_at() {
    let given = Given::of(certified(Certificate::Expired)).await;
    let compute = ChecksIncluded {
        nip66_ssl: false,
        ..ChecksIncluded::ALL
    };
    let processing = MonitorProcessing {
        compute,
        store: compute,
        ..MonitorProcessing::default()
    };
    let config = MonitorConfig {
        processing,
        ..MonitorConfig::default()
    };
    look_with(&given, config).await;
    assert!(ssl(&given, given.member()).await.is_none());
    assert_eq!(given.member().seen().connections, 1);
}

#[tokio::test]
async fn without_tls_there_is_no_certificate() {
    let given = Given::of(MemberPlan::healthy()).await;
    look(&given).await;
    assert!(ssl(&given, given.member()).await.is_none());
    assert!(
        discovery(&given, given.member())
            .await
            .unwrap()
            .ssl
            .is_none()
    );
}
