//! How many relays of one host are visited at once: some hosts offer a thousand relays by path, and are one
//! machine all the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Connections to one host at a time.
const MAX_PER_HOST: usize = 4;

/// How many places are taken of each host.
#[derive(Debug, Default)]
pub(super) struct Hosts(Arc<Mutex<HashMap<String, usize>>>);

/// A place; dropping it frees it.
#[derive(Debug)]
pub(super) struct HostPlace {
    host: String,
    taken: Arc<Mutex<HashMap<String, usize>>>,
}

impl Hosts {
    /// A place at the host; `None` when all are taken.
    pub(super) fn enter(&self, host: &str) -> Option<HostPlace> {
        let mut taken = self.0.lock().expect("no panic while hosts are counted");
        let places = taken.entry(host.to_owned()).or_default();
        if *places >= MAX_PER_HOST {
            return None;
        }
        *places += 1;
        Some(HostPlace {
            host: host.to_owned(),
            taken: Arc::clone(&self.0),
        })
    }
}

impl Drop for HostPlace {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().expect("no panic while hosts are counted");
        let places = taken.get_mut(&self.host);
        let is_last = places.is_none_or(|places| {
            *places -= 1;
            *places == 0
        });
        if is_last {
            taken.remove(&self.host);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_so_many_places_and_others_have_their_own() {
        let hosts = Hosts::default();
        let mut places: Vec<_> = (0..MAX_PER_HOST).map(|_| hosts.enter("a")).collect();
        assert!(places.iter().all(Option::is_some));
        assert!(hosts.enter("a").is_none());
        assert!(hosts.enter("b").is_some());
        places.pop();
        assert!(hosts.enter("a").is_some());
        drop(places);
        assert!(hosts.0.lock().unwrap().is_empty());
    }
}
