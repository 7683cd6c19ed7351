//! Names: the SOCKS5 server and the DNS server.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use fleet::{Access, Behaviour, DnsAnswer, Fleet, FleetPlan, MemberPlan, SocksMode, names};
use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use nips::Network;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::client::{Client, PATIENCE, SILENCE};

/// Asks the SOCKS5 server for a name and gives back the tunnel.
async fn tunnel(fleet: &Fleet, host: &str, wait: Duration) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(fleet.socks().address()).await?;
    stream.write_all(&[5, 1, 0]).await?;
    let mut method = [0; 2];
    timeout(wait, stream.read_exact(&mut method)).await??;
    ensure!(method == [5, 0]);
    let mut request = vec![5, 1, 0, 3, u8::try_from(host.len())?];
    request.extend_from_slice(host.as_bytes());
    request.extend_from_slice(&80_u16.to_be_bytes());
    stream.write_all(&request).await?;
    let mut reply = [0; 10];
    timeout(wait, stream.read_exact(&mut reply)).await??;
    ensure!(reply[1] == 0, "code {}", reply[1]);
    Ok(stream)
}

fn overlays() -> FleetPlan {
    let member = |access| MemberPlan::healthy().access(access);
    FleetPlan::new(1)
        .events(10)
        .member(member(Access::Onion))
        .member(member(Access::I2p))
        .member(member(Access::Loki))
}

#[tokio::test]
async fn overlay_members_are_reached_by_name_through_the_proxy() -> Result<()> {
    let fleet = Fleet::start(overlays()).await?;
    let networks = [Network::Tor, Network::I2p, Network::Loki];
    for (member, network) in fleet.members().iter().zip(networks) {
        assert_eq!(member.url().network(), network);
        let stream = tunnel(&fleet, member.host(), PATIENCE).await?;
        let mut client = Client::upgrade(stream, member.url().as_str()).await?;
        assert_eq!(client.request(json!({})).await?.ids(), member.holds());
    }
    let requests = fleet.socks().requests();
    assert_eq!(requests.len(), 3);
    assert!(
        requests
            .iter()
            .all(|request| request.is_name && request.port == 80)
    );
    assert_eq!(requests[0].host, fleet.member(0).host());
    let error = tunnel(&fleet, "nobody.onion", PATIENCE).await.unwrap_err();
    assert_eq!(error.to_string(), "code 4");
    Ok(())
}

#[tokio::test]
async fn the_proxy_can_stall_and_refuse() -> Result<()> {
    let fleet = Fleet::start(overlays()).await?;
    let host = fleet.member(0).host();
    fleet.socks().set_mode(SocksMode::Stall);
    assert!(tunnel(&fleet, host, SILENCE).await.is_err());
    fleet.socks().set_mode(SocksMode::Refuse);
    assert_eq!(
        tunnel(&fleet, host, PATIENCE)
            .await
            .unwrap_err()
            .to_string(),
        "code 2"
    );
    fleet.socks().set_mode(SocksMode::Serve);
    tunnel(&fleet, host, PATIENCE).await?;
    Ok(())
}

/// One question over UDP, or over TCP.
async fn ask(fleet: &Fleet, name: &str, kind: RecordType, is_tcp: bool) -> Result<Message> {
    let mut query = Message::query();
    query.add_query(Query::query(Name::from_ascii(name)?, kind));
    let (bytes, server) = (query.to_vec()?, fleet.dns().address());
    let answer = if is_tcp {
        let mut stream = TcpStream::connect(server).await?;
        stream.write_u16(u16::try_from(bytes.len())?).await?;
        stream.write_all(&bytes).await?;
        let mut answer = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut answer).await?;
        answer
    } else {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        socket.send_to(&bytes, server).await?;
        let mut answer = vec![0; 4096];
        let length = timeout(PATIENCE, socket.recv(&mut answer)).await??;
        answer.truncate(length);
        answer
    };
    let answer = Message::from_vec(&answer)?;
    ensure!(answer.metadata.id == query.metadata.id);
    Ok(answer)
}

fn addresses(message: &Message) -> Vec<IpAddr> {
    let address = |data: &RData| match data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    };
    message
        .answers
        .iter()
        .filter_map(|record| address(&record.data))
        .collect()
}

#[tokio::test]
async fn the_dns_server_says_what_it_is_told() -> Result<()> {
    let trap = MemberPlan::new(Behaviour::Honest).access(Access::Dns(vec![
        "127.0.0.1".parse()?,
        "2002:7f00:1::".parse()?,
    ]));
    let fleet = Fleet::start(FleetPlan::new(1).member(trap)).await?;
    let member = fleet.member(0);
    let a = ask(&fleet, member.host(), RecordType::A, false).await?;
    assert_eq!(addresses(&a), [member.address().ip()]);
    let aaaa = ask(&fleet, member.host(), RecordType::AAAA, false).await?;
    assert_eq!(addresses(&aaaa), ["2002:7f00:1::".parse::<IpAddr>()?]);
    let nothing = ask(&fleet, "nobody.nostr-lab.net", RecordType::A, false).await?;
    assert_eq!(nothing.metadata.response_code, ResponseCode::NXDomain);
    let ns = ask(&fleet, names::DOMAIN, RecordType::NS, false).await?;
    assert_eq!(ns.answers.len(), 1);
    assert_eq!(fleet.dns().queries().len(), 4);
    assert_eq!(fleet.dns().queries()[0].name, member.host());
    assert_eq!(member.seen().connections, 0);
    Ok(())
}

#[tokio::test]
async fn odd_dns_answers_are_odd() -> Result<()> {
    let fleet = Fleet::start(FleetPlan::new(1)).await?;
    let (one, two): (IpAddr, IpAddr) = ("203.0.113.1".parse()?, "127.0.0.1".parse()?);
    let name = "odd.nostr-lab.net";
    let first = || ask(&fleet, name, RecordType::A, false);

    fleet
        .dns()
        .set(name, DnsAnswer::Alias("real.nostr-lab.net".to_owned()));
    fleet
        .dns()
        .set("real.nostr-lab.net", DnsAnswer::Addresses(vec![one]));
    let alias = first().await?;
    assert_eq!((alias.answers.len(), addresses(&alias)), (2, vec![one]));

    fleet.dns().set(name, DnsAnswer::ServerFailure);
    assert_eq!(
        first().await?.metadata.response_code,
        ResponseCode::ServFail
    );

    fleet.dns().set(name, DnsAnswer::Silence);
    assert!(timeout(SILENCE, first()).await.is_err());

    let delay = Duration::from_millis(100);
    fleet.dns().set(
        name,
        DnsAnswer::Slow {
            delay,
            addresses: vec![one],
        },
    );
    let started = std::time::Instant::now();
    assert_eq!(addresses(&first().await?), [one]);
    assert!(started.elapsed() >= delay);

    fleet.dns().set(name, DnsAnswer::Truncated(vec![one]));
    let truncated = first().await?;
    assert!(truncated.metadata.truncation && truncated.answers.is_empty());
    assert_eq!(
        addresses(&ask(&fleet, name, RecordType::A, true).await?),
        [one]
    );

    fleet.dns().set(
        name,
        DnsAnswer::Rebinding {
            first: vec![one],
            then: vec![two],
        },
    );
    let rebinding = first().await?;
    assert_eq!(
        (addresses(&rebinding), rebinding.answers[0].ttl),
        (vec![one], 0)
    );
    assert_eq!(addresses(&first().await?), [two]);
    assert_eq!(addresses(&first().await?), [two]);
    Ok(())
}
