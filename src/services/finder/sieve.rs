//! Which of the URLs that somebody named become candidates.
//!
//! A URL that was passed on before is not passed on again, which saves most of the work: relay lists
//! repeat the same few hundred. A host, and a domain with all its hosts, may only have so many URLs, so
//! that a wildcard name cannot fill the candidate table.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use nips::{Network, RelayUrl};

/// URLs of one host: some serve a relay on each of a handful of ports and paths.
const MAX_PER_HOST: u32 = 8;

/// URLs under one domain: hosting services give each customer a name.
const MAX_PER_DOMAIN: u32 = 500;

/// URLs remembered; 8 bytes each. When there are more, everything is forgotten and taken in once more,
/// which the store notices.
const MAX_REMEMBERED: usize = 1 << 20;

/// Remembers what was passed on. It lives as long as the process: what it forgets on a restart, the
/// store still knows.
#[derive(Debug, Default)]
pub(super) struct Sieve {
    hasher: RandomState,
    passed: HashSet<u64>,
    per_host: HashMap<u64, u32>,
    per_domain: HashMap<u64, u32>,
}

impl Sieve {
    /// Whether the URL is new here and its host may have another one.
    pub(super) fn pass(&mut self, url: &RelayUrl) -> bool {
        let key = self.hasher.hash_one(url.as_str());
        if self.passed.contains(&key) {
            return false;
        }
        let host = self.hasher.hash_one(url.host());
        let domain = self.hasher.hash_one(domain_of(url));
        let is_full = |counts: &HashMap<u64, u32>, key, max| {
            counts.get(key).is_some_and(|count| *count >= max)
        };
        if is_full(&self.per_host, &host, MAX_PER_HOST)
            || is_full(&self.per_domain, &domain, MAX_PER_DOMAIN)
        {
            return false;
        }
        if self.passed.len() >= MAX_REMEMBERED {
            self.forget();
        }
        self.passed.insert(key);
        *self.per_host.entry(host).or_default() += 1;
        *self.per_domain.entry(domain).or_default() += 1;
        true
    }

    /// Starts afresh.
    pub(super) fn forget(&mut self) {
        self.passed.clear();
        self.per_host.clear();
        self.per_domain.clear();
    }
}

/// The last two labels of a name, three below a second level such as `co.uk`; addresses are themselves.
fn domain_of(url: &RelayUrl) -> &str {
    let host = url.host();
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    if url.network() == Network::Local || is_address {
        // Laboratories have hundreds of relays on a handful of addresses.
        return url.as_str();
    }
    let mut starts = host.rmatch_indices('.').map(|(dot, _)| dot + 1);
    let (top, second) = (starts.next(), starts.next());
    let third = starts.next().unwrap_or(0);
    match (top, second) {
        (Some(top), Some(second)) if top - second <= 4 && top > second => &host[third..],
        (Some(_), Some(second)) => &host[second..],
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> RelayUrl {
        RelayUrl::parse(text).unwrap()
    }

    #[test]
    fn domains() {
        for (text, domain) in [
            ("wss://relay.example.com", "example.com"),
            ("wss://a.b.relay.example.com/x", "example.com"),
            ("wss://example.com", "example.com"),
            ("wss://a.b.example.co.uk", "example.co.uk"),
        ] {
            assert_eq!(domain_of(&url(text)), domain);
        }
    }

    #[test]
    fn repeats_and_floods_stay_out() {
        let mut sieve = Sieve::default();
        assert!(sieve.pass(&url("wss://relay.example.com")));
        assert!(!sieve.pass(&url("wss://relay.example.com/")));
        let paths = (0..1_000).filter(|n| sieve.pass(&url(&format!("wss://one.example.com/{n}"))));
        assert_eq!(paths.count(), 8);
        let hosts = (0..1_000).filter(|n| sieve.pass(&url(&format!("wss://h{n}.wild.org"))));
        assert_eq!(hosts.count(), 500);
    }
}
