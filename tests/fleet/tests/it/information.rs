//! NIP-11 documents and the HTTP around them.

use std::time::{Duration, Instant};

use anyhow::Result;
use fleet::{Behaviour, Fleet, FleetPlan, Information, Member, MemberPlan, Redirect, scenarios};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{PATIENCE, single};

/// The head and the body that a member answers with.
async fn get(member: &Member) -> Result<(String, String)> {
    let mut stream = TcpStream::connect(member.address()).await?;
    let request = "GET / HTTP/1.1\r\nHost: relay\r\nUser-Agent: monitor/1\r\n\
                   Accept: application/nostr+json\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut response)).await??;
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or_default();
    Ok((head.to_owned(), body.to_owned()))
}

#[tokio::test]
async fn a_document_may_come_only_when_it_is_asked_for_again() -> Result<()> {
    let information = Information::Unavailable { times: 2 };
    let fleet = single(MemberPlan::healthy().information(information), 0).await?;
    for status in ["503", "503", "200", "200"] {
        let (head, _) = get(fleet.member(0)).await?;
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{head}");
    }
    Ok(())
}

#[tokio::test]
async fn healthy_and_scripted_members_have_a_document_on_their_port() -> Result<()> {
    for behaviour in [Behaviour::Healthy, Behaviour::Cap { limit: 77 }] {
        let fleet = single(MemberPlan::new(behaviour.clone()), 0).await?;
        let member = fleet.member(0);
        let (head, body) = get(member).await?;
        assert!(head.starts_with("HTTP/1.1 200 OK"));
        assert!(head.contains("content-type: application/nostr+json"));
        assert!(
            head.contains("server: nostr-lab"),
            "lower case, B29: {head}"
        );
        let document: Value = serde_json::from_str(&body)?;
        assert_eq!(document["name"], member.name());
        if behaviour != Behaviour::Healthy {
            assert_eq!(document["limitation"]["max_limit"], 77);
        }
        let seen = member.seen();
        assert_eq!(seen.requests[0].user_agent.as_deref(), Some("monitor/1"));
        assert!(!seen.requests[0].is_upgrade);
        assert_eq!((seen.connections, seen.peak_connections), (1, 1));
    }
    Ok(())
}

#[tokio::test]
async fn odd_documents_are_odd_in_their_own_way() -> Result<()> {
    let documented = |information| MemberPlan::healthy().information(information);
    let plan = FleetPlan::new(1)
        .member(documented(Information::NulCharacter))
        .member(documented(Information::LoneSurrogate))
        .member(documented(Information::HugeName))
        .member(documented(Information::ImpossibleWork))
        .member(documented(Information::WildNumbers))
        .member(documented(Information::Missing))
        .member(documented(Information::Html))
        .member(documented(Information::TrailingComma))
        .member(documented(Information::NumberForList))
        .member(documented(Information::Custom("[]".to_owned())));
    let fleet = Fleet::start(plan).await?;
    let mut documents = Vec::new();
    for member in fleet.members() {
        documents.push(get(member).await?);
    }
    let body = |index: usize| documents[index].1.as_str();
    let json = |index: usize| serde_json::from_str::<Value>(body(index)).ok();
    let field = |index: usize, name: &str| json(index).unwrap()[name].clone();
    assert!(body(0).contains("\\u0000"));
    assert!(body(1).contains("\\ud800") && json(1).is_none());
    assert_eq!(field(2, "name").as_str().unwrap().len(), 1 << 20);
    assert_eq!(field(3, "limitation")["min_pow_difficulty"], 250);
    assert!(field(4, "software").as_str().unwrap().len() >= 10_000);
    assert_eq!(field(4, "supported_nips")[0], 99_999_999_999_u64);
    assert!(documents[5].0.starts_with("HTTP/1.1 404"));
    assert!(documents[6].0.contains("text/html"));
    assert!(json(7).is_none() && body(7).ends_with(",}"));
    assert_eq!(field(8, "supported_nips"), 1);
    assert_eq!(body(9), "[]");
    Ok(())
}

#[tokio::test]
async fn redirects_lead_where_nobody_may_go() -> Result<()> {
    let redirected = |target| MemberPlan::healthy().information(Information::Redirected(target));
    let plan = FleetPlan::new(1)
        .member(redirected(Redirect::Loopback))
        .member(redirected(Redirect::MetadataService))
        .member(redirected(Redirect::Itself));
    let fleet = Fleet::start(plan).await?;
    let canary = format!("http://{}/", fleet.canary().address());
    let targets = [
        canary.as_str(),
        "http://169.254.169.254/latest/meta-data/",
        "/",
    ];
    for (member, target) in fleet.members().iter().zip(targets) {
        let (head, _) = get(member).await?;
        assert!(head.starts_with("HTTP/1.1 302"));
        assert!(head.contains(&format!("location: {target}\r\n")), "{head}");
    }
    assert_eq!(fleet.canary().visits(), 0);
    TcpStream::connect(fleet.canary().address()).await?;
    while fleet.canary().visits() == 0 {
        tokio::task::yield_now().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_slow_body_takes_a_pace_for_each_byte() -> Result<()> {
    let pace = Duration::from_millis(5);
    let plan = MemberPlan::healthy().information(Information::SlowBody { pace });
    let fleet = single(plan, 0).await?;
    let started = Instant::now();
    let (_, body) = get(fleet.member(0)).await?;
    assert!(started.elapsed() > pace * u32::try_from(body.len())?);
    Ok(())
}

#[test]
fn every_scenario_about_a_relay_has_a_member() {
    let rows: Vec<&str> = scenarios().iter().map(|plan| plan.row).collect();
    // B29 is how every member writes its headers; B31 is the access of overlay members.
    let missing: Vec<String> = (1..=30)
        .filter(|number| *number != 29)
        .map(|number| format!("B{number}"))
        .filter(|row| !rows.contains(&row.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
