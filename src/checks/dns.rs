//! The DNS records of a relay's host, as the name servers have them.

use nips::host::is_reserved;
use nips::nip66::{Dns, one_line};
use nips::{Network, RelayUrl};
use tokio::time::Instant;

use crate::net::{DnsRecords, Net, NetError};

/// Addresses of one family, and name servers, that are kept: round robins are smaller.
const MAX_RECORDS: usize = 16;

/// Whether there are records to read: names of the internet have some, addresses and overlay names do not.
pub fn applies_to(relay: &RelayUrl) -> bool {
    let host = relay.host().trim_start_matches('[').trim_end_matches(']');
    relay.network() == Network::Clearnet && host.parse::<std::net::IpAddr>().is_err()
}

/// Reads the records of a relay's host.
///
/// # Errors
/// [`NetError`] when it has no address, or nobody says.
pub async fn read(net: &Net, relay: &RelayUrl, deadline: Instant) -> Result<Dns, NetError> {
    let records = net.dns_records(relay.host(), deadline).await?;
    Ok(of_records(records))
}

/// Whether a document says what a newer one says, told earlier in the life of the records: resolvers tell
/// what is left of a TTL, so that the longest one seen is the nearest to the truth.
pub fn is_same_but_for_age(stored: &str, newer: &str) -> bool {
    let read = |document| serde_json::from_str::<Dns>(document).ok();
    let (Some(stored), Some(newer)) = (read(stored), read(newer)) else {
        return false;
    };
    let aged = Dns {
        ttl: newer.ttl,
        ..stored.clone()
    };
    aged == newer && stored.ttl >= newer.ttl
}

/// Sorted, because resolvers shuffle: equal records make equal documents. Addresses that nobody on the
/// internet can reach say nothing about the relay that was reached.
fn of_records(mut records: DnsRecords) -> Dns {
    records.ipv4.retain(|ip| !is_reserved((*ip).into()));
    records.ipv6.retain(|ip| !is_reserved((*ip).into()));
    let names = records.name_servers.iter();
    Dns {
        ips: first(records.ipv4),
        ips_v6: first(records.ipv6),
        cname: records.cname.as_deref().and_then(one_line),
        reverse: records.reverse.as_deref().and_then(one_line),
        ns: first(names.filter_map(|name| one_line(name)).collect()),
        ttl: records.ttl,
        query_time: Some(records.query_time),
    }
}

fn first<T: Ord>(mut records: Vec<T>) -> Vec<T> {
    records.sort_unstable();
    records.dedup();
    records.truncate(MAX_RECORDS);
    records
}
