//! An authoritative DNS server on 127.0.0.1, UDP and TCP, that answers as it is told and writes down what
//! it was asked.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use hickory_proto::op::{Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, NS, PTR};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::names::DOMAIN;

/// Seconds that answers may be kept; [`DnsAnswer::Rebinding`] uses 0.
const TTL_SECONDS: u32 = 300;
/// Longest chain of aliases that is followed.
const MAX_ALIASES: usize = 8;
/// Largest query over UDP.
const MAX_DATAGRAM: usize = 4_096;

/// What a name resolves to.
#[derive(Debug, Clone, PartialEq)]
pub enum DnsAnswer {
    /// A and AAAA records. None of a family: an empty answer for it.
    Addresses(Vec<IpAddr>),
    /// A CNAME, followed by the records of the name that it leads to.
    Alias(String),
    /// NXDOMAIN.
    NoSuchName,
    /// SERVFAIL.
    ServerFailure,
    /// Nothing at all.
    Silence,
    /// The addresses, after a while.
    Slow {
        /// How long the answer takes.
        delay: Duration,
        /// The records.
        addresses: Vec<IpAddr>,
    },
    /// Truncated over UDP, the addresses over TCP.
    Truncated(Vec<IpAddr>),
    /// One list on the first query for addresses, another ever after (DNS rebinding).
    Rebinding {
        /// The first answer.
        first: Vec<IpAddr>,
        /// Every later answer.
        then: Vec<IpAddr>,
    },
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsQuery {
    /// The name in lower case, without the last dot.
    pub name: String,
    /// E.g. `AAAA`.
    pub record_type: String,
    /// Whether it came over TCP.
    pub is_tcp: bool,
}

/// The names that are known, before the server starts.
pub(crate) struct Zone {
    answers: HashMap<String, DnsAnswer>,
}

impl Zone {
    /// What members behind `networks.hosts` resolve to: an address of RFC 5737, which nobody has.
    pub(crate) const EXAMPLE_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));

    pub(crate) fn new() -> Self {
        Self {
            answers: HashMap::new(),
        }
    }

    pub(crate) fn addresses(&mut self, name: &str, addresses: Vec<IpAddr>) {
        let answer = DnsAnswer::Addresses(addresses);
        self.answers.insert(name.to_owned(), answer);
    }
}

/// The DNS server. Names that it was not told about do not exist.
pub struct DnsServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
}

struct State {
    answers: HashMap<String, DnsAnswer>,
    queries: Vec<DnsQuery>,
}

/// How a query came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Transport {
    Udp,
    Tcp,
}

impl DnsServer {
    pub(crate) async fn start(
        zone: Zone,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Self> {
        let (udp, tcp) = bind_both().await.context("could not listen on 127.0.0.1")?;
        let address = udp.local_addr()?;
        let state = State {
            answers: zone.answers,
            queries: Vec::new(),
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
        });
        tasks.spawn(serve_udp(udp, Arc::clone(&shared), stop.clone()));
        tasks.spawn(serve_tcp(tcp, Arc::clone(&shared), stop.clone()));
        Ok(Self { address, shared })
    }

    /// Where it listens, UDP and TCP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every question so far.
    pub fn queries(&self) -> Vec<DnsQuery> {
        self.shared.lock().queries.clone()
    }

    /// Sets what a name resolves to from now on.
    pub fn set(&self, name: &str, answer: DnsAnswer) {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        self.shared.lock().answers.insert(name, answer);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A UDP socket and a TCP listener on the same free port.
async fn bind_both() -> Result<(UdpSocket, TcpListener)> {
    let mut last = None;
    for _ in 0..16 {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        match UdpSocket::bind(tcp.local_addr()?).await {
            Ok(udp) => return Ok((udp, tcp)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or_else(|| anyhow::anyhow!("no free port"), Into::into))
}

async fn serve_udp(socket: UdpSocket, shared: Arc<Shared>, stop: CancellationToken) {
    let socket = Arc::new(socket);
    let mut answers = JoinSet::new();
    let mut buffer = [0; MAX_DATAGRAM];
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            received = socket.recv_from(&mut buffer) => if let Ok((length, peer)) = received {
                let (socket, shared) = (Arc::clone(&socket), Arc::clone(&shared));
                let query = buffer[..length].to_vec();
                answers.spawn(async move {
                    if let Some(answer) = shared.answer(&query, Transport::Udp).await {
                        let _ = socket.send_to(&answer, peer).await;
                    }
                });
            },
            Some(_) = answers.join_next() => {}
        }
    }
    answers.shutdown().await;
}

async fn serve_tcp(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    let _ = converse(stream, &shared).await;
                });
            },
            Some(_) = connections.join_next() => {}
        }
    }
    connections.shutdown().await;
}

async fn converse(mut stream: TcpStream, shared: &Shared) -> Result<()> {
    loop {
        let mut query = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut query).await?;
        let Some(answer) = shared.answer(&query, Transport::Tcp).await else {
            return Ok(());
        };
        stream.write_u16(u16::try_from(answer.len())?).await?;
        stream.write_all(&answer).await?;
    }
}

impl Shared {
    /// The whole response to a whole query; `None` when there is to be none.
    async fn answer(&self, query: &[u8], transport: Transport) -> Option<Vec<u8>> {
        let query = Message::from_vec(query).ok()?;
        let question = query.queries.first()?;
        let name = plain(question.name());
        let record_type = question.query_type();
        self.lock().queries.push(DnsQuery {
            name: name.clone(),
            record_type: record_type.to_string(),
            is_tcp: transport == Transport::Tcp,
        });
        let mut response = Message::response(query.metadata.id, OpCode::Query);
        response.metadata.recursion_desired = query.metadata.recursion_desired;
        response.metadata.recursion_available = true;
        response.metadata.authoritative = true;
        response.add_query(question.clone());
        self.fill(&mut response, &name, record_type, transport)
            .await?;
        response.to_vec().ok()
    }

    async fn fill(
        &self,
        response: &mut Message,
        name: &str,
        record_type: RecordType,
        transport: Transport,
    ) -> Option<()> {
        if let Some(records) = infrastructure(name, record_type) {
            response.add_answers(records);
            return Some(());
        }
        let mut name = name.to_owned();
        for _ in 0..MAX_ALIASES {
            let Some(answer) = self.take(&name, record_type) else {
                response.metadata.response_code = ResponseCode::NXDomain;
                return Some(());
            };
            let (addresses, ttl) = match answer {
                DnsAnswer::Addresses(addresses) => (addresses, TTL_SECONDS),
                DnsAnswer::Alias(target) => {
                    let data = RData::CNAME(CNAME(absolute(&target)?));
                    response.add_answer(Record::from_rdata(absolute(&name)?, TTL_SECONDS, data));
                    name = target.trim_end_matches('.').to_ascii_lowercase();
                    continue;
                }
                DnsAnswer::NoSuchName => {
                    response.metadata.response_code = ResponseCode::NXDomain;
                    return Some(());
                }
                DnsAnswer::ServerFailure => {
                    response.metadata.response_code = ResponseCode::ServFail;
                    return Some(());
                }
                DnsAnswer::Silence => return None,
                DnsAnswer::Slow { delay, addresses } => {
                    tokio::time::sleep(delay).await;
                    (addresses, TTL_SECONDS)
                }
                DnsAnswer::Truncated(_) if transport == Transport::Udp => {
                    response.metadata.truncation = true;
                    return Some(());
                }
                DnsAnswer::Truncated(addresses) => (addresses, TTL_SECONDS),
                DnsAnswer::Rebinding { first, .. } => (first, 0),
            };
            let owner = absolute(&name)?;
            let wanted = addresses
                .into_iter()
                .filter_map(|a| address_data(a, record_type));
            response.add_answers(wanted.map(|data| Record::from_rdata(owner.clone(), ttl, data)));
            return Some(());
        }
        response.metadata.response_code = ResponseCode::ServFail;
        Some(())
    }

    /// The answer for a name. A rebinding one turns once an address was asked for.
    fn take(&self, name: &str, record_type: RecordType) -> Option<DnsAnswer> {
        let mut state = self.lock();
        let held = state.answers.get_mut(name)?;
        let answer = held.clone();
        if let DnsAnswer::Rebinding { then, .. } = &answer
            && matches!(record_type, RecordType::A | RecordType::AAAA)
        {
            let then = then.clone();
            *held = DnsAnswer::Rebinding {
                first: then.clone(),
                then,
            };
        }
        Some(answer)
    }
}

/// The name servers of the domain, and names for addresses.
fn infrastructure(name: &str, record_type: RecordType) -> Option<Vec<Record>> {
    let data = match record_type {
        RecordType::NS if name == DOMAIN => RData::NS(NS(absolute(&format!("ns1.{DOMAIN}"))?)),
        RecordType::PTR => RData::PTR(PTR(absolute(&format!("reverse.{DOMAIN}"))?)),
        _ => return None,
    };
    Some(vec![Record::from_rdata(absolute(name)?, TTL_SECONDS, data)])
}

fn address_data(address: IpAddr, record_type: RecordType) -> Option<RData> {
    match (address, record_type) {
        (IpAddr::V4(address), RecordType::A) => Some(RData::A(A(address))),
        (IpAddr::V6(address), RecordType::AAAA) => Some(RData::AAAA(AAAA(address))),
        _ => None,
    }
}

fn plain(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}

fn absolute(name: &str) -> Option<Name> {
    let mut name = Name::from_ascii(name).ok()?;
    name.set_fqdn(true);
    Some(name)
}
