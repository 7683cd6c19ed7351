//! Addresses that are kept out for a while, because their clients went on breaking rules.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

use tokio::time::Instant;

use super::rate::Rates;
use super::settings::BanRules;
use crate::model::AddressBlock;

/// Addresses that can be banned at a time; at about 64 bytes each this is 6 MB.
const MAX_BANS: usize = 100_000;

/// Who is banned, and who is about to be.
#[derive(Debug)]
pub(super) struct Bans {
    rules: Option<BanRules>,
    offences: Rates<AddressBlock>,
    /// Until when.
    banned: Mutex<HashMap<AddressBlock, Instant>>,
}

impl Bans {
    pub(super) fn new(rules: Option<BanRules>) -> Self {
        Self {
            offences: Rates::per_minute(rules.map(|rules| rules.offences_per_minute)),
            rules,
            banned: Mutex::default(),
        }
    }

    /// Notes an offence, and says whether it was one too many.
    pub(super) fn offend(&self, peer: IpAddr, now: Instant) -> bool {
        let host = AddressBlock::of_host(peer);
        let Some(rules) = self.rules else {
            return false;
        };
        if self.offences.take(host, now) {
            return false;
        }
        let mut banned = self.banned.lock().expect("no panic under the lock");
        if banned.len() >= MAX_BANS {
            banned.retain(|_, until| *until > now);
        }
        // With so many of them the one is not the matter any more.
        if banned.len() < MAX_BANS {
            banned.insert(host, now + rules.duration);
        }
        true
    }

    /// Whether an address is kept out now.
    pub(super) fn holds(&self, peer: IpAddr, now: Instant) -> bool {
        if self.rules.is_none() {
            return false;
        }
        let host = AddressBlock::of_host(peer);
        let mut banned = self.banned.lock().expect("no panic under the lock");
        match banned.get(&host) {
            Some(until) if *until > now => true,
            Some(_) => {
                banned.remove(&host);
                // The minute before the ban is forgiven.
                self.offences.forget(&host);
                false
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_goes_on_is_kept_out_for_a_while_and_then_forgiven() {
        let start = Instant::now();
        let bans = Bans::new(Some(BanRules {
            offences_per_minute: 3,
            duration: Duration::from_secs(9),
        }));
        let (bad, good) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let tolerated = (0..3).all(|_| !bans.offend(bad, start));
        assert!(tolerated && !bans.holds(bad, start));
        assert!(bans.offend(bad, start));
        assert!(bans.holds(bad, start) && !bans.holds(good, start));
        let later = start + Duration::from_secs(9);
        assert!(!bans.holds(bad, later) && !bans.offend(bad, later));
        assert!(!Bans::new(None).offend(bad, start));
    }
}
