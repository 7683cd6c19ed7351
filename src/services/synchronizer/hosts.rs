//! How many connections there are to one host: some hosts offer a thousand relays by path, and are one machine all
//! the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Which places are taken of each host.
#[derive(Debug)]
pub(super) struct Hosts {
    max: usize,
    taken: Arc<Mutex<HashMap<String, Taken>>>,
}

/// Places of one host.
#[derive(Debug, Default)]
struct Taken {
    visits: usize,
    standing: usize,
}

/// A place; dropping it frees it.
#[derive(Debug)]
pub(super) struct HostPlace {
    host: String,
    max: usize,
    is_standing: bool,
    taken: Arc<Mutex<HashMap<String, Taken>>>,
}

impl Hosts {
    /// Hosts of which each has so many places.
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            taken: Arc::default(),
        }
    }

    /// A place at the host for a visit; `None` when all are taken.
    pub(super) fn enter(&self, host: &str) -> Option<HostPlace> {
        let mut all = self.taken.lock().expect("no panic while hosts are counted");
        let taken = all.entry(host.to_owned()).or_default();
        if taken.visits + taken.standing >= self.max {
            return None;
        }
        taken.visits += 1;
        Some(HostPlace {
            host: host.to_owned(),
            max: self.max,
            is_standing: false,
            taken: Arc::clone(&self.taken),
        })
    }
}

impl HostPlace {
    /// The same place for a connection that stays open. `None` when as many stay as may: one place is kept for visits,
    /// so that the host's other relays have their turns.
    pub(super) fn stay(mut self) -> Option<Self> {
        let may_stay = {
            let mut all = self.taken.lock().expect("no panic while hosts are counted");
            let taken = all.entry(self.host.clone()).or_default();
            let may_stay = taken.standing + 1 < self.max;
            if may_stay {
                taken.visits -= 1;
                taken.standing += 1;
            }
            may_stay
        };
        self.is_standing = may_stay;
        may_stay.then_some(self)
    }
}

impl Drop for HostPlace {
    fn drop(&mut self) {
        let mut all = self.taken.lock().expect("no panic while hosts are counted");
        let taken = all.entry(self.host.clone()).or_default();
        match self.is_standing {
            true => taken.standing -= 1,
            false => taken.visits -= 1,
        }
        if taken.visits + taken.standing == 0 {
            all.remove(&self.host);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_so_many_places_and_others_have_their_own() {
        let hosts = Hosts::new(4);
        let mut places: Vec<_> = (0..4).map(|_| hosts.enter("a")).collect();
        assert!(places.iter().all(Option::is_some));
        assert!(hosts.enter("a").is_none());
        assert!(hosts.enter("b").is_some());
        places.pop();
        assert!(hosts.enter("a").is_some());
        drop(places);
        assert!(hosts.taken.lock().unwrap().is_empty());
    }

    #[test]
    fn one_place_is_kept_for_visits() {
        let hosts = Hosts::new(2);
        let standing = hosts.enter("a").unwrap().stay();
        assert!(standing.is_some());
        let visit = hosts.enter("a").unwrap();
        assert!(hosts.enter("a").is_none());
        // Who may not stay leaves.
        assert!(visit.stay().is_none());
        drop(hosts.enter("a").unwrap());
        drop(standing);
        assert!(hosts.taken.lock().unwrap().is_empty());
        assert!(Hosts::new(1).enter("a").unwrap().stay().is_none());
    }
}
