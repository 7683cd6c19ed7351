//! Fleets as a whole: starting, stopping, going down, coming back, configuration.

use std::collections::BTreeSet;

use anyhow::Result;
use fleet::{Behaviour, Completeness, ConfigOptions, Fleet, FleetPlan, Member, MemberPlan};
use serde_json::json;
use tokio::net::TcpStream;

use crate::client::{Client, End, PATIENCE, single};

#[tokio::test]
async fn a_member_goes_down_and_comes_back_on_its_port() -> Result<()> {
    for behaviour in [Behaviour::Healthy, Behaviour::Honest] {
        let fleet = single(MemberPlan::new(behaviour), 20).await?;
        let member = fleet.member(0);
        let mut client = Client::connect(member).await?;
        assert_eq!(client.request(json!({})).await?.ids(), member.holds());
        assert_eq!(member.seen().open_connections, 1);
        member.go_down().await;
        assert!(!member.is_up().await);
        assert_eq!(client.next(PATIENCE).await, Err(End::Disconnected));
        assert!(TcpStream::connect(member.address()).await.is_err());
        member.come_back().await?;
        let mut client = Client::connect(member).await?;
        assert_eq!(client.request(json!({})).await?.ids(), member.holds());
        let seen = member.seen();
        assert_eq!((seen.connections, seen.peak_connections), (2, 1));
    }
    Ok(())
}

#[tokio::test]
async fn a_dead_member_can_be_raised() -> Result<()> {
    let fleet = single(MemberPlan::new(Behaviour::Dead), 20).await?;
    let member = fleet.member(0);
    assert!(!member.is_up().await && !member.is_promotable());
    member.come_back().await?;
    let mut client = Client::connect(member).await?;
    assert_eq!(client.request(json!({})).await?.ids(), member.holds());
    Ok(())
}

#[tokio::test]
async fn a_scripted_member_can_turn_into_another() -> Result<()> {
    let fleet = single(MemberPlan::new(Behaviour::ClosedAuthRequired), 20).await?;
    let member = fleet.member(0);
    let mut client = Client::connect(member).await?;
    assert!(matches!(
        client.request(json!({})).await?.end,
        End::Closed(_)
    ));
    member.turn(&Behaviour::Honest);
    // A connection stays what it was when it began.
    assert!(matches!(
        client.request(json!({})).await?.end,
        End::Closed(_)
    ));
    assert_eq!(member.seen().sent_events, 0);
    let mut client = Client::connect(member).await?;
    assert_eq!(client.request(json!({})).await?.ids(), member.holds());
    assert_eq!(member.seen().sent_events, member.holds().len());
    assert_eq!(member.completeness(), Completeness::Nothing);
    Ok(())
}

#[tokio::test]
async fn a_stopped_fleet_leaves_no_port_open() -> Result<()> {
    let fleet = Fleet::start(FleetPlan::mixed(1, 16, 50)).await?;
    let mut client = Client::connect(fleet.member(0)).await?;
    let members: Vec<Member> = fleet.members().to_vec();
    let servers = [fleet.socks().address(), fleet.dns().address()];
    tokio::time::timeout(PATIENCE, fleet.stop()).await?;
    let addresses = members.iter().map(Member::address).chain(servers);
    for address in addresses {
        assert!(
            TcpStream::connect(address).await.is_err(),
            "{address} is open"
        );
    }
    assert_eq!(client.next(PATIENCE).await, Err(End::Disconnected));
    Ok(())
}

#[tokio::test]
async fn the_same_plan_gives_the_same_fleet() -> Result<()> {
    let plan = FleetPlan::mixed(4, 40, 300);
    let (one, two) = (Fleet::start(plan.clone()).await?, Fleet::start(plan).await?);
    for (a, b) in one.members().iter().zip(two.members()) {
        assert_eq!(a.name(), b.name());
        let has_a_name = !a.host().starts_with("127.");
        assert!(!has_a_name || a.host() == b.host());
    }
    // Ids differ, because relay lists name ports and the system chooses those.
    let outline = |fleet: &Fleet| -> Vec<_> {
        let events = fleet.events().iter();
        events
            .map(|event| (event.created_at(), event.kind(), event.pubkey()))
            .collect()
    };
    assert_eq!(outline(&one), outline(&two));
    Ok(())
}

#[tokio::test]
async fn a_mixed_fleet_knows_what_can_be_had() -> Result<()> {
    let fleet = Fleet::start(FleetPlan::mixed(2, 60, 600)).await?;
    assert_eq!(fleet.members().len(), 60);
    let urls: BTreeSet<&str> = fleet
        .members()
        .iter()
        .map(|member| member.url().as_str())
        .collect();
    assert_eq!(urls.len(), 60);
    let union = fleet.union_of_valid_events();
    let all: BTreeSet<_> = fleet.events().iter().map(|event| event.id()).collect();
    assert!(
        union.is_subset(&all) && union.len() > 300,
        "{}",
        union.len()
    );
    assert!(union.is_subset(&fleet.archivable_events()));
    assert!(
        fleet
            .archivable_events()
            .is_disjoint(&fleet.forged_events())
    );
    let whole = fleet
        .members()
        .iter()
        .filter(|m| m.completeness() == Completeness::Whole);
    assert!(whole.count() > 20);
    assert!((30..50).contains(&fleet.promotable_urls().len()));
    let lists = fleet
        .events()
        .iter()
        .filter(|event| event.kind().0 == 10002);
    let names_a_member = |event: &&std::sync::Arc<nips::Event>| {
        event
            .as_ref()
            .as_ref()
            .first_tag("r")
            .is_some_and(|url| urls.contains(url.as_ref()))
    };
    assert!(lists.filter(names_a_member).count() > 3);
    Ok(())
}

#[tokio::test]
async fn the_configuration_names_every_server() -> Result<()> {
    let fleet = Fleet::start(FleetPlan::mixed(2, 60, 0)).await?;
    let directory = tempfile::tempdir()?;
    let paths = fleet.write_config(directory.path(), &ConfigOptions::default())?;
    let brotr = std::fs::read_to_string(paths.config.join("brotr.yaml"))?;
    assert!(
        brotr.contains(&format!("dns_servers: [\"{}\"]", fleet.dns().address())),
        "{brotr}"
    );
    assert!(brotr.contains(&format!("proxy_url: \"{}\"", fleet.socks().url())));
    for (name, address) in fleet.hosts() {
        assert!(brotr.contains(&format!("    \"{name}\": \"{address}\"\n")));
    }
    assert!(std::fs::read_to_string(&paths.ca)?.starts_with("-----BEGIN CERTIFICATE-----"));
    let seeds = std::fs::read_to_string(&paths.seeds)?;
    for member in fleet.members() {
        assert!(seeds.lines().any(|line| line == member.url().as_str()));
    }
    let seeder = std::fs::read_to_string(paths.config.join("services/seeder.yaml"))?;
    assert!(seeder.contains("seeds.txt"));
    assert_eq!(paths.arguments().len(), 6);
    Ok(())
}
