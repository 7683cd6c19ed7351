//! A server that nobody may ever reach: it only counts who came.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A TCP server on 127.0.0.1 where redirects that must be refused lead (B22).
pub struct Canary {
    address: SocketAddr,
    visits: Arc<AtomicUsize>,
}

impl Canary {
    pub(crate) async fn start(tasks: &TaskTracker, stop: &CancellationToken) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("could not listen on 127.0.0.1")?;
        let address = listener.local_addr()?;
        let visits = Arc::new(AtomicUsize::new(0));
        let (counter, stop) = (Arc::clone(&visits), stop.clone());
        tasks.spawn(async move {
            while let Some(Ok(_)) = stop.run_until_cancelled(listener.accept()).await {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        Ok(Self { address, visits })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it saw; anything but zero is a bug of the visitor.
    pub fn visits(&self) -> usize {
        self.visits.load(Ordering::Relaxed)
    }
}
