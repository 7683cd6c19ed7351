//! Names to addresses: the operator's `hosts` first, then DNS with a time budget and a cache.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError as DnsError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData};
use hickory_resolver::system_conf::read_system_conf;
use nips::Network;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::address_policy::AddressOrigin;
use super::error::{NetError, Phase, ResolveFailure};
use super::records::{DnsRecords, RecordReader};
use super::settings::NetSettings;

/// One lookup may use this much of a deadline: a name server that answers nothing must not eat
/// the time of a relay that listens on a cached or second address.
pub const LOOKUP_BUDGET: Duration = Duration::from_secs(5);
/// Time for one query to one server; two tries fit the budget.
const QUERY_TIMEOUT: Duration = Duration::from_millis(2_400);
/// Tries per server after the first.
const QUERY_RETRIES: usize = 1;
/// Once A has answered, how long AAAA is waited for (RFC 8305 §3 names 50 ms).
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);
/// Cached answers; each is a few hundred bytes, and a cycle visits some ten thousand hosts.
const CACHE_ENTRIES: u64 = 8_192;
/// A relay that moved is found again within this time, whatever its TTL says.
const MAX_TTL: Duration = Duration::from_secs(600);
/// "No such name" is believed this long at most.
const MAX_NEGATIVE_TTL: Duration = Duration::from_secs(60);
/// Where glibc looks when the system names no server.
const LAST_RESORT_SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 53);

/// The addresses of a host and where they come from; never empty.
#[derive(Debug, Clone)]
pub(super) struct Resolved {
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) origin: AddressOrigin,
}

#[derive(Debug)]
pub(super) struct Resolver {
    hosts: HashMap<String, SocketAddr>,
    dns: TokioResolver,
    records: RecordReader,
}

impl Resolver {
    pub(super) fn new(settings: &NetSettings) -> Self {
        let normal = |host: &String| host.trim_end_matches('.').to_ascii_lowercase();
        let hosts = settings.hosts.iter();
        let servers = name_servers(&settings.dns_servers);
        Self {
            hosts: hosts
                .map(|(host, address)| (normal(host), *address))
                .collect(),
            dns: dns_client(servers.clone(), options()),
            records: RecordReader::new(dns_client(servers, uncached_options())),
        }
    }

    /// The records of a host name as the name servers have them now, whatever `hosts` says.
    pub(super) async fn records(
        &self,
        host: &str,
        deadline: Instant,
    ) -> Result<DnsRecords, NetError> {
        let failed = |failure| NetError::Resolve {
            host: host.to_owned(),
            failure,
        };
        if overlay_of(host).is_some() {
            return Err(failed(ResolveFailure::OverlayName));
        }
        let name = domain_name(host).map_err(failed)?;
        let budget = deadline.min(Instant::now() + LOOKUP_BUDGET);
        let read = self.records.read(&name, budget).await;
        read.ok_or(NetError::TimedOut { phase: Phase::Dns })?
            .map_err(failed)
    }

    /// Resolves a host name (an IP literal is its own answer). Overlay names are an error: only
    /// their proxy may see them.
    pub(super) async fn resolve(
        &self,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> Result<Resolved, NetError> {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(Resolved {
                addresses: vec![SocketAddr::new(ip, port)],
                origin: AddressOrigin::Literal,
            });
        }
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let failed = |failure| NetError::Resolve {
            host: host.clone(),
            failure,
        };
        if overlay_of(&host).is_some() {
            return Err(failed(ResolveFailure::OverlayName));
        }
        if let Some(address) = self.hosts.get(&host) {
            return Ok(Resolved {
                addresses: vec![*address],
                origin: AddressOrigin::Operator,
            });
        }
        let budget = deadline.min(Instant::now() + LOOKUP_BUDGET);
        let ips = timeout_at(budget, self.lookup(&host)).await;
        let ips = ips.map_err(|_| NetError::TimedOut { phase: Phase::Dns })?;
        let ips = ips.map_err(failed)?;
        Ok(Resolved {
            addresses: ips
                .into_iter()
                .map(|ip| SocketAddr::new(ip, port))
                .collect(),
            origin: AddressOrigin::Resolved,
        })
    }

    async fn lookup(&self, host: &str) -> Result<Vec<IpAddr>, ResolveFailure> {
        let name = domain_name(host)?;
        let v4 = self.dns.ipv4_lookup(name.clone());
        let v6 = self.dns.ipv6_lookup(name);
        tokio::pin!(v4, v6);
        let (v4, v6) = tokio::select! {
            v4 = &mut v4 => {
                let patience = Instant::now() + RESOLUTION_DELAY;
                let has_v4 = v4.is_ok();
                let v6 = tokio::select! {
                    v6 = &mut v6 => Some(v6),
                    () = sleep_until(patience), if has_v4 => None,
                };
                (v4, v6)
            }
            v6 = &mut v6 => (v4.await, Some(v6)),
        };
        addresses_of(v4, v6)
    }
}

/// The overlay network of a host name, by its last label.
pub(super) fn overlay_of(host: &str) -> Option<Network> {
    let last = host.trim_end_matches('.').rsplit('.').next()?;
    [
        ("onion", Network::Tor),
        ("i2p", Network::I2p),
        ("loki", Network::Loki),
    ]
    .into_iter()
    .find_map(|(label, network)| last.eq_ignore_ascii_case(label).then_some(network))
}

fn domain_name(host: &str) -> Result<Name, ResolveFailure> {
    let mut name = Name::from_ascii(host).map_err(|_| ResolveFailure::Malformed)?;
    name.set_fqdn(true);
    Ok(name)
}

pub(super) type Answer = Result<Lookup, DnsError>;

/// One family that answered is enough; with none, "no address" is told from "no answer".
pub(super) fn addresses_of(v4: Answer, v6: Option<Answer>) -> Result<Vec<IpAddr>, ResolveFailure> {
    let mut addresses = Vec::new();
    let mut failure = None;
    for answer in [Some(v4), v6].into_iter().flatten() {
        match answer {
            Ok(lookup) => addresses.extend(lookup.answers().iter().filter_map(|r| ip_of(&r.data))),
            Err(error) if error.is_no_records_found() => {}
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        _ if !addresses.is_empty() => Ok(addresses),
        Some(error) => Err(ResolveFailure::Servers(Box::new(error))),
        None => Err(ResolveFailure::NoAddress),
    }
}

fn ip_of(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(a) => Some(IpAddr::V4(a.0)),
        RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
        _ => None,
    }
}

/// The configured name servers, or the system's.
fn name_servers(servers: &[SocketAddr]) -> ResolverConfig {
    if !servers.is_empty() {
        return config_of(servers);
    }
    match read_system_conf() {
        Ok((config, _)) => config,
        Err(error) => {
            tracing::warn!(%error, "the system names no dns server");
            config_of(&[LAST_RESORT_SERVER])
        }
    }
}

fn dns_client(servers: ResolverConfig, options: ResolverOpts) -> TokioResolver {
    let provider = TokioRuntimeProvider::default();
    let builder = TokioResolver::builder_with_config(servers, provider);
    let resolver = builder.with_options(options).build();
    resolver.expect("without TLS to name servers nothing can fail")
}

fn config_of(servers: &[SocketAddr]) -> ResolverConfig {
    let server = |address: &SocketAddr| {
        let (mut udp, mut tcp) = (ConnectionConfig::udp(), ConnectionConfig::tcp());
        udp.port = address.port();
        tcp.port = address.port();
        NameServerConfig::new(address.ip(), true, vec![udp, tcp])
    };
    ResolverConfig::from_name_servers(servers.iter().map(server).collect())
}

fn options() -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.timeout = QUERY_TIMEOUT;
    options.attempts = QUERY_RETRIES;
    options.cache_size = CACHE_ENTRIES;
    options.positive_max_ttl = Some(MAX_TTL);
    options.negative_max_ttl = Some(MAX_NEGATIVE_TTL);
    // A line in /etc/hosts must not decide what a public relay is; `networks.hosts` can.
    options.use_hosts_file = ResolveHosts::Never;
    options
}

/// What is measured has to be asked for, and a TTL is that of the server, not of our patience.
fn uncached_options() -> ResolverOpts {
    let mut options = options();
    options.cache_size = 0;
    options.positive_max_ttl = None;
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolver(hosts: &[(&str, &str)]) -> Resolver {
        let hosts = hosts.iter();
        Resolver::new(&NetSettings {
            hosts: hosts
                .map(|(host, address)| ((*host).to_owned(), address.parse().unwrap()))
                .collect(),
            // Nobody listens there: a query that should not be made cannot succeed.
            dns_servers: vec!["127.0.0.1:1".parse().unwrap()],
            ..NetSettings::default()
        })
    }

    #[tokio::test]
    async fn hosts_beat_dns_and_bring_their_port() {
        let resolver = resolver(&[("Relay.Example.", "127.0.0.5:4000")]);
        let deadline = Instant::now() + Duration::from_secs(5);
        let found = resolver
            .resolve("relay.example", 443, deadline)
            .await
            .unwrap();
        assert_eq!(found.addresses, ["127.0.0.5:4000".parse().unwrap()]);
        assert_eq!(found.origin, AddressOrigin::Operator);
    }

    #[tokio::test]
    async fn overlay_names_are_never_looked_up() {
        let resolver = resolver(&[("a.onion", "127.0.0.5:4000")]);
        let deadline = Instant::now() + Duration::from_secs(5);
        for host in ["a.onion", "b.I2P", "c.loki."] {
            let error = resolver.resolve(host, 80, deadline).await.unwrap_err();
            assert_eq!(error.reason(), "overlay_name");
        }
    }
}
