//! Certificates, good and bad.

use anyhow::Result;
use fleet::{Access, Behaviour, Certificate, Fleet, FleetPlan, MemberPlan};
use serde_json::json;

use crate::client::{Client, tls};

#[tokio::test]
async fn a_named_member_speaks_over_tls() -> Result<()> {
    for behaviour in [Behaviour::Healthy, Behaviour::Honest] {
        let plan = MemberPlan::new(behaviour).access(Access::Tls(Certificate::Valid));
        let fleet = Fleet::start(FleetPlan::new(1).events(20).member(plan)).await?;
        let member = fleet.member(0);
        assert_eq!(member.url().as_str(), format!("wss://{}", member.host()));
        assert_eq!(
            fleet.hosts(),
            [(member.host().to_owned(), member.address())]
        );
        let stream = tls(&fleet, member).await?;
        let mut client = Client::upgrade(stream, member.url().as_str()).await?;
        assert_eq!(client.request(json!({})).await?.ids(), member.holds());
        assert_eq!(
            member.seen().requests[0].host.as_deref(),
            Some(member.host())
        );
    }
    Ok(())
}

#[tokio::test]
async fn bad_certificates_are_refused_for_their_reason() -> Result<()> {
    let cases = [
        (Certificate::SelfSigned, "UnknownIssuer"),
        (Certificate::Expired, "expired"),
        (Certificate::NotYetValid, "not valid yet"),
        (Certificate::WrongName, "not valid for name"),
    ];
    for (certificate, reason) in cases {
        let plan = MemberPlan::healthy().access(Access::Tls(certificate));
        let fleet = Fleet::start(FleetPlan::new(1).member(plan)).await?;
        assert!(!fleet.member(0).is_promotable());
        let error = tls(&fleet, fleet.member(0)).await.unwrap_err();
        assert!(
            error.to_string().contains(reason),
            "{certificate:?}: {error}"
        );
    }
    Ok(())
}
