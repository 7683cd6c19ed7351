//! How many connections there are, and from where.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Mutex;

use super::settings::RelayRates;
use crate::model::AddressBlock;

/// The open connections.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_host: HashMap<AddressBlock, usize>,
    by_network: HashMap<AddressBlock, usize>,
}

/// A connection that is counted; dropping it gives the place back.
#[derive(Debug)]
pub(super) struct Place<'p> {
    places: &'p Places,
    host: AddressBlock,
    network: AddressBlock,
}

impl Places {
    /// Counts a connection, unless there are enough of them.
    pub(super) fn take(&self, peer: IpAddr, rates: &RelayRates) -> Option<Place<'_>> {
        let (host, network) = (AddressBlock::of_host(peer), AddressBlock::of_network(peer));
        let mut taken = self.0.lock().expect("no panic under the lock");
        let of = |counts: &HashMap<AddressBlock, usize>, block| {
            counts.get(block).copied().unwrap_or_default()
        };
        let is_full = |max: Option<usize>, open: usize| max.is_some_and(|max| open >= max);
        if is_full(rates.max_connections, taken.all)
            || is_full(rates.max_connections_per_address, of(&taken.by_host, &host))
            || is_full(
                rates.max_connections_per_prefix,
                of(&taken.by_network, &network),
            )
        {
            return None;
        }
        taken.all += 1;
        *taken.by_host.entry(host).or_default() += 1;
        *taken.by_network.entry(network).or_default() += 1;
        drop(taken);
        Some(Place {
            places: self,
            host,
            network,
        })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().expect("no panic under the lock");
        taken.all -= 1;
        give_back(&mut taken.by_host, &self.host);
        give_back(&mut taken.by_network, &self.network);
    }
}

fn give_back<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_networks_and_all_are_counted_and_given_back() {
        let places = Places::default();
        let rates = RelayRates {
            max_connections: Some(4),
            max_connections_per_address: Some(2),
            max_connections_per_prefix: Some(3),
            ..RelayRates::default()
        };
        let take = |address: &str| places.take(address.parse().unwrap(), &rates);
        let mut held = vec![
            take("192.0.2.1").unwrap(),
            take("::ffff:192.0.2.1").unwrap(),
        ];
        assert!(take("192.0.2.1").is_none());
        held.push(take("192.0.2.2").unwrap());
        assert!(take("192.0.2.3").is_none());
        held.push(take("2001:db8::1").unwrap());
        assert!(take("198.51.100.1").is_none());
        held.clear();
        let taken = places.0.lock().unwrap();
        assert_eq!(taken.all, 0);
        assert!(taken.by_host.is_empty() && taken.by_network.is_empty());
    }
}
