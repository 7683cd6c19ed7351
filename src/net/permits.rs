//! How much may run at once on each network.

use std::sync::Arc;

use nips::Network;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::settings::{NetworkSettings, PerNetwork};

/// One place on a network; dropping it frees the place.
#[derive(Debug)]
pub struct Permit {
    _place: OwnedSemaphorePermit,
}

#[derive(Debug)]
pub(super) struct Permits {
    places: PerNetwork<Arc<Semaphore>>,
}

impl Permits {
    pub(super) fn new(networks: &PerNetwork<NetworkSettings>) -> Self {
        let semaphore = |network| {
            let max_tasks = networks.get(network).max_tasks;
            Arc::new(Semaphore::new(max_tasks.clamp(1, Semaphore::MAX_PERMITS)))
        };
        Self {
            places: PerNetwork::from_fn(semaphore),
        }
    }

    pub(super) async fn acquire(&self, network: Network) -> Permit {
        let place = Arc::clone(self.places.get(network)).acquire_owned().await;
        Permit {
            _place: place.expect("the semaphore is never closed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn networks_do_not_share_places() {
        let mut networks = PerNetwork::default();
        networks.tor.max_tasks = 1;
        let permits = Permits::new(&networks);
        let first = permits.acquire(Network::Tor).await;
        assert!(permits.acquire(Network::Tor).now_or_never().is_none());
        assert!(permits.acquire(Network::I2p).now_or_never().is_some());
        drop(first);
        assert!(permits.acquire(Network::Tor).now_or_never().is_some());
    }
}
