//! Which of the URLs that somebody named become candidates.
//!
//! A URL that was passed on is not passed on again for a day, which saves most of the work: relay lists
//! repeat the same few hundred. After that the store decides anew, which may have given the URL up and
//! want it back. A host, and a domain with all its hosts, may only have so many URLs, so that a wildcard
//! name cannot fill the candidate table.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use nips::{Network, RelayUrl};

/// URLs of one host: some serve a relay on each of a handful of ports and paths.
const MAX_PER_HOST: u32 = 8;

/// URLs under one domain: hosting services give each customer a name.
const MAX_PER_DOMAIN: u32 = 500;

/// For how long a URL is not passed on again, seconds.
const REST: u64 = 86_400;

/// URLs remembered; 16 bytes each. When there are more, everything is forgotten and taken in once more,
/// which the store notices.
const MAX_REMEMBERED: usize = 1 << 20;

/// Remembers what was passed on. It lives as long as the process: what it forgets on a restart, the
/// store still knows.
#[derive(Debug, Default)]
pub(super) struct Sieve {
    hasher: RandomState,
    /// When each was passed on last, unix seconds.
    passed: HashMap<u64, u64>,
    per_host: HashMap<u64, u32>,
    per_domain: HashMap<u64, u32>,
}

impl Sieve {
    /// Whether the URL was not passed on lately at `now` unix seconds and, if it is new here, its host may
    /// have another one.
    pub(super) fn pass(&mut self, url: &RelayUrl, now: u64) -> bool {
        let key = self.hasher.hash_one(url.as_str());
        if let Some(passed_at) = self.passed.get_mut(&key) {
            let is_rested = *passed_at + REST <= now;
            if is_rested {
                *passed_at = now;
            }
            return is_rested;
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
        self.passed.insert(key, now);
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
        let passes = |sieve: &mut Sieve, text: &str, now| sieve.pass(&url(text), now);
        assert!(passes(&mut sieve, "wss://relay.example.com", 0));
        assert!(!passes(&mut sieve, "wss://relay.example.com/", REST - 1));
        for day in [0, REST] {
            let path = |n: &u32| passes(&mut sieve, &format!("wss://one.example.com/{n}"), day);
            assert_eq!((0..1_000).filter(path).count(), 8);
            let host = |n: &u32| passes(&mut sieve, &format!("wss://h{n}.wild.org"), day);
            assert_eq!((0..1_000).filter(host).count(), 500);
        }
        assert!(passes(&mut sieve, "wss://relay.example.com/", REST));
    }
}
