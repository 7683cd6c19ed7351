//! Which of the URLs that somebody named become candidates.
//!
//! A URL needs weight: one relay list is enough, hints have to come from several people. A host, a domain with
//! all its hosts, and an author may only have so many URLs, so that neither a wildcard name nor a key that costs
//! nothing can fill the candidate table. The counts are those of the store, read again every day, so that a
//! restart gives nobody a second helping.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, Hash, RandomState};

use nips::relay_sources::Source;
use nips::{Network, PublicKey, RelayUrl};

use crate::config::AdmissionConfig;
use crate::model::Evidence;

use super::corroboration::{Corroboration, Hint};
use super::{domain, path_spam};

/// After how long the store is asked anew which URLs it knows, seconds: it may have given some up since.
const FRESH_FOR: u64 = 86_400;

/// A URL with who named it.
#[derive(Debug, Clone)]
pub(super) struct Naming {
    /// What was named.
    pub url: RelayUrl,
    /// By what kind of source.
    pub source: &'static str,
    /// What that counts.
    pub weight: u32,
    /// Who signed it; `None` for a source that the operator chose.
    pub author: Option<PublicKey>,
}

/// What becomes of a naming.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The URL is a candidate from now on, because of these namings.
    Taken(Vec<Evidence>),
    /// The URL had been taken in before.
    Known,
    /// Not now; the reason is a name of the cycle's numbers.
    Refused(&'static str),
}

/// Remembers what was taken in. It lives as long as the process; what it holds is in the store.
#[derive(Debug)]
pub(super) struct Sieve {
    limits: AdmissionConfig,
    hasher: RandomState,
    known: HashSet<u64>,
    per_host: HashMap<u64, u32>,
    per_domain: HashMap<u64, u32>,
    per_author: HashMap<u64, u32>,
    corroboration: Corroboration,
    refused: BTreeMap<&'static str, u64>,
    filled_at: Option<u64>,
}

impl Sieve {
    /// A sieve that has to be filled.
    pub(super) fn new(limits: AdmissionConfig) -> Self {
        Self {
            limits,
            hasher: RandomState::new(),
            known: HashSet::new(),
            per_host: HashMap::new(),
            per_domain: HashMap::new(),
            per_author: HashMap::new(),
            corroboration: Corroboration::default(),
            refused: BTreeMap::new(),
            filled_at: None,
        }
    }

    /// Whether it has to be filled at `now` unix seconds.
    pub(super) fn is_stale(&self, now: u64) -> bool {
        self.filled_at
            .is_none_or(|filled| filled + FRESH_FOR <= now)
    }

    /// Begins to fill it at `now` unix seconds with what the store knows.
    pub(super) fn begin(&mut self, now: u64) {
        self.known.clear();
        self.per_host.clear();
        self.per_domain.clear();
        self.per_author.clear();
        self.filled_at = Some(now);
    }

    /// Takes note of a URL that the store knows.
    pub(super) fn remember(&mut self, url: &RelayUrl) {
        if !self.known.insert(self.hash(url.as_str())) || url.network() == Network::Local {
            return;
        }
        let (host, domain) = (self.hash(url.host()), self.hash(&*domain::of(url)));
        *self.per_host.entry(host).or_default() += 1;
        *self.per_domain.entry(domain).or_default() += 1;
    }

    /// Has it filled anew before the next naming, because the store did not take what passed.
    pub(super) fn forget(&mut self) {
        self.filled_at = None;
    }

    /// Decides about a naming at `now` unix seconds.
    pub(super) fn judge(&mut self, naming: &Naming, now: u64) -> Verdict {
        let key = self.hash(naming.url.as_str());
        if self.known.contains(&key) {
            return Verdict::Known;
        }
        match self.admit(key, naming, now) {
            Ok(evidence) => Verdict::Taken(evidence),
            Err(reason) => {
                *self.refused.entry(reason).or_default() += 1;
                Verdict::Refused(reason)
            }
        }
    }

    /// How many namings were refused since the last call, by reason.
    pub(super) fn take_refused(&mut self) -> BTreeMap<&'static str, u64> {
        std::mem::take(&mut self.refused)
    }

    fn admit(
        &mut self,
        key: u64,
        naming: &Naming,
        now: u64,
    ) -> Result<Vec<Evidence>, &'static str> {
        if path_spam::is_spam(naming.url.path()) {
            return Err("refused_path_spam");
        }
        self.check_room(naming)?;
        let author = naming.author.map(|author| self.hash(author));
        let hint = Hint {
            author: author.unwrap_or(0),
            source: naming.source,
            weight: naming.weight,
            named_at: now,
        };
        let hints = self.corroboration.add(key, hint, self.limits.min_weight);
        let evidence = evidence(&naming.url, hints.ok_or("refused_uncorroborated")?);
        self.remember(&naming.url);
        if let Some(author) = author {
            *self.per_author.entry(author).or_default() += 1;
        }
        Ok(evidence)
    }

    fn check_room(&self, naming: &Naming) -> Result<(), &'static str> {
        let (url, limits) = (&naming.url, &self.limits);
        if self.known.len() >= limits.max_urls {
            return Err("refused_table_full");
        }
        // Laboratories have hundreds of relays on a handful of addresses.
        let is_local = url.network() == Network::Local;
        if !is_local && self.has(&self.per_host, url.host(), limits.max_per_host) {
            return Err("refused_host_full");
        }
        if !is_local && self.has(&self.per_domain, &*domain::of(url), limits.max_per_domain) {
            return Err("refused_domain_full");
        }
        // A monitor names every relay there is, and it is the best source of all.
        let max_per_author = if naming.source == Source::Discovery.as_str() {
            limits.max_per_monitor
        } else {
            limits.max_per_author
        };
        let is_over = |author| self.has(&self.per_author, author, max_per_author);
        if naming.author.is_some_and(is_over) {
            return Err("refused_author_full");
        }
        Ok(())
    }

    fn has(&self, counts: &HashMap<u64, u32>, what: impl Hash, max: u32) -> bool {
        counts
            .get(&self.hash(what))
            .is_some_and(|count| *count >= max)
    }

    fn hash(&self, what: impl Hash) -> u64 {
        self.hasher.hash_one(what)
    }
}

/// Hints as evidence, a row for each kind of source.
fn evidence(url: &RelayUrl, hints: &[Hint]) -> Vec<Evidence> {
    let mut rows: BTreeMap<&str, Evidence> = BTreeMap::new();
    for hint in hints {
        let row = rows.entry(hint.source).or_insert_with(|| Evidence {
            url: url.clone(),
            source: hint.source.to_owned(),
            namings: 0,
            first_named_at: hint.named_at,
            last_named_at: hint.named_at,
        });
        row.namings += 1;
        row.last_named_at = hint.named_at;
    }
    rows.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONITOR: &str = "discovery";

    fn naming(text: &str, source: &'static str, author: u8) -> Naming {
        Naming {
            url: RelayUrl::parse(text).unwrap(),
            source,
            weight: if source == "hint" { 1 } else { 4 },
            author: Some(PublicKey([author; 32])),
        }
    }

    fn sieve(limits: AdmissionConfig) -> Sieve {
        let mut sieve = Sieve::new(limits);
        assert!(sieve.is_stale(0));
        sieve.begin(0);
        sieve
    }

    /// How many URLs of a pattern are taken.
    fn taken(
        sieve: &mut Sieve,
        count: u32,
        url: impl Fn(u32) -> String,
        source: &'static str,
    ) -> u32 {
        let mut taken = 0;
        for number in 0..count {
            let author = (number % 200) as u8;
            let verdict = sieve.judge(&naming(&url(number), source, author), 1);
            taken += u32::from(matches!(verdict, Verdict::Taken(_)));
        }
        taken
    }

    #[test]
    fn floods_stay_out() {
        let mut sieve = sieve(AdmissionConfig::default());
        let wild = |number| format!("wss://h{number}.wild.org");
        assert_eq!(taken(&mut sieve, 30_000, wild, "relay-list"), 500);
        let ports = |number| format!("wss://one.example.com:{}", number + 1_000);
        assert_eq!(taken(&mut sieve, 1_000, ports, "relay-list"), 8);
        let paths = |number| format!("wss://two.example.com/npub1{number}");
        assert_eq!(taken(&mut sieve, 1_000, paths, "relay-list"), 0);
        let refused = sieve.take_refused();
        assert_eq!(refused["refused_domain_full"], 29_500);
        assert_eq!(refused["refused_host_full"], 992);
        assert_eq!(refused["refused_path_spam"], 1_000);
        assert!(sieve.take_refused().is_empty());
    }

    #[test]
    fn a_key_names_a_bounded_number_and_a_monitor_a_larger_one() {
        let limits = AdmissionConfig {
            max_per_author: 3,
            max_per_monitor: 5,
            ..AdmissionConfig::default()
        };
        let mut sieve = sieve(limits);
        let mut count = |source, author, from: u32| {
            let names = (from..from + 20).map(|number| format!("wss://example{number}.com"));
            let mut verdicts = names.map(|name| sieve.judge(&naming(&name, source, author), 1));
            let taken = verdicts
                .by_ref()
                .filter(|verdict| matches!(verdict, Verdict::Taken(_)));
            taken.count()
        };
        assert_eq!(count("relay-list", 1, 0), 3);
        assert_eq!(count("relay-list", 2, 0), 3);
        assert_eq!(count(MONITOR, 3, 100), 5);
    }

    #[test]
    fn hints_have_to_come_from_several_people() {
        let mut sieve = sieve(AdmissionConfig::default());
        let name = "wss://relay.example.com";
        for author in [1, 2, 2, 3, 1] {
            let verdict = sieve.judge(&naming(name, "hint", author), u64::from(author));
            assert_eq!(verdict, Verdict::Refused("refused_uncorroborated"));
        }
        let Verdict::Taken(evidence) = sieve.judge(&naming(name, "hint", 4), 4) else {
            panic!("four people are enough");
        };
        assert_eq!(evidence.len(), 1);
        assert_eq!((evidence[0].namings, evidence[0].first_named_at), (4, 1));
        assert_eq!(sieve.judge(&naming(name, "hint", 5), 5), Verdict::Known);
    }

    #[test]
    fn what_the_store_knows_takes_up_room() {
        let mut sieve = sieve(AdmissionConfig::default());
        for number in 0..499 {
            sieve.remember(&RelayUrl::parse(&format!("wss://k{number}.wild.org")).unwrap());
        }
        let wild = |number| format!("wss://h{number}.wild.org");
        assert_eq!(taken(&mut sieve, 10, wild, "relay-list"), 1);
        assert!(!sieve.is_stale(FRESH_FOR - 1));
        sieve.forget();
        assert!(sieve.is_stale(1));
    }

    #[test]
    fn the_table_has_an_end() {
        let limits = AdmissionConfig {
            max_urls: 100,
            ..AdmissionConfig::default()
        };
        let mut sieve = sieve(limits);
        let any = |number| format!("wss://example{number}.com");
        assert_eq!(taken(&mut sieve, 1_000, any, "relay-list"), 100);
    }
}
