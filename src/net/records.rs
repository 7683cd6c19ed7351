//! The DNS records of one host: addresses, alias, name servers of its domain, and the name of its address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use nips::host::is_reserved;
use tokio::time::{Instant, timeout_at};

use super::error::ResolveFailure;
use super::resolver::{Answer, addresses_of};

/// A host this many labels below its domain's own name is as deep as hosts are.
const MAX_DOMAINS: usize = 4;

/// What the name servers say about a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsRecords {
    /// A records, as they came.
    pub ipv4: Vec<Ipv4Addr>,
    /// AAAA records, as they came.
    pub ipv6: Vec<Ipv6Addr>,
    /// Seconds that the addresses may be kept, IPv4 before IPv6. A resolver that had them already tells
    /// what is left of them.
    pub ttl: Option<u32>,
    /// What the name is an alias of: the first step where there are several.
    pub cname: Option<String>,
    /// Name servers of the closest domain that has some.
    pub name_servers: Vec<String>,
    /// The name of the first public address.
    pub reverse: Option<String>,
    /// How long the addresses took.
    pub query_time: Duration,
}

/// Reads records. It remembers nothing, so that times and lifetimes are true.
#[derive(Debug)]
pub(super) struct RecordReader {
    dns: TokioResolver,
}

impl RecordReader {
    pub(super) fn new(dns: TokioResolver) -> Self {
        Self { dns }
    }

    /// Reads everything; `None` when not even the addresses came in time. What else is late is missing.
    pub(super) async fn read(
        &self,
        name: &Name,
        deadline: Instant,
    ) -> Option<Result<DnsRecords, ResolveFailure>> {
        let started = Instant::now();
        let both = async {
            tokio::join!(
                self.dns.ipv4_lookup(name.clone()),
                self.dns.ipv6_lookup(name.clone())
            )
        };
        let (v4, v6) = timeout_at(deadline, both).await.ok()?;
        let query_time = started.elapsed();
        let (ttl, cname) = (ttl(&v4).or(ttl(&v6)), alias(&v4).or(alias(&v6)));
        let addresses = match addresses_of(v4, Some(v6)) {
            Ok(addresses) => addresses,
            Err(failure) => return Some(Err(failure)),
        };
        // Nobody outside of a network knows the names of its inner addresses.
        let first = addresses.iter().copied().find(|it| !is_reserved(*it));
        let (name_servers, reverse) = tokio::join!(
            timeout_at(deadline, self.name_servers(name)),
            timeout_at(deadline, self.reverse(first)),
        );
        let mut records = DnsRecords {
            ipv4: Vec::new(),
            ipv6: Vec::new(),
            ttl,
            cname,
            name_servers: name_servers.unwrap_or_default(),
            reverse: reverse.ok().flatten(),
            query_time,
        };
        for address in addresses {
            match address {
                IpAddr::V4(address) => records.ipv4.push(address),
                IpAddr::V6(address) => records.ipv6.push(address),
            }
        }
        Some(Ok(records))
    }

    /// Asks for the host, then for what it is part of, but never for a top-level domain.
    async fn name_servers(&self, name: &Name) -> Vec<String> {
        let mut domain = name.clone();
        for _ in 0..MAX_DOMAINS {
            if domain.num_labels() < 2 {
                break;
            }
            if let Ok(lookup) = self.dns.ns_lookup(domain.clone()).await {
                let found = lookup.answers().iter().filter_map(|it| match &it.data {
                    RData::NS(server) if it.name == domain => Some(plain(&server.0)),
                    _ => None,
                });
                let found: Vec<String> = found.collect();
                if !found.is_empty() {
                    return found;
                }
            }
            domain = domain.base_name();
        }
        Vec::new()
    }

    async fn reverse(&self, address: Option<IpAddr>) -> Option<String> {
        let lookup = self.dns.reverse_lookup(address?).await.ok()?;
        lookup.answers().iter().find_map(|it| match &it.data {
            RData::PTR(name) => Some(plain(&name.0)),
            _ => None,
        })
    }
}

/// The shortest lifetime of the addresses.
fn ttl(answer: &Answer) -> Option<u32> {
    let lookup = answer.as_ref().ok()?;
    let addresses = lookup
        .answers()
        .iter()
        .filter(|it| matches!(it.record_type(), RecordType::A | RecordType::AAAA));
    addresses.map(|it| it.ttl).min()
}

fn alias(answer: &Answer) -> Option<String> {
    let lookup = answer.as_ref().ok()?;
    lookup.answers().iter().find_map(|it| match &it.data {
        RData::CNAME(target) => Some(plain(&target.0)),
        _ => None,
    })
}

/// A name without the last dot, in lower case.
fn plain(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}
