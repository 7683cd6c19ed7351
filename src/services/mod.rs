//! The services: each a cycle, run by one [`runner`]. They meet in the store and never call each other.
//!
//! To add one, implement [`Service`]: take what is due from the store, work on it within bounds, write
//! down what came of it, and say in numbers what happened.

mod arrival_cursor;
mod backoff;
mod checkpoint;
mod due_queue;
pub mod finder;
mod janitor;
mod leases;
pub mod monitor;
pub mod refresher;
pub mod runner;
pub mod seeder;
pub mod signer;
mod statistician;
pub mod synchronizer;
pub mod validator;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use nips::{LocalRelays, Network};

use crate::archive::Archive;
use crate::clock::Clock;
use crate::config::Schedule;
use crate::lifecycle::Tokens;
use crate::model::ServiceName;
use crate::net::Net;
use crate::store::{Store, StoreError};

/// What a service works with. Clones share everything.
#[derive(Clone)]
pub struct Context {
    /// Where services meet.
    pub store: Arc<dyn Store>,
    /// The door for events.
    pub archive: Archive,
    /// The way out, with this service's settings for each network.
    pub net: Net,
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
}

impl Context {
    /// The networks that can be used.
    pub fn networks(&self) -> Vec<Network> {
        let mut networks = Network::ALL.to_vec();
        networks.retain(|network| self.net.check_network(*network).is_ok());
        networks
    }

    /// Whether relays on loopback and private addresses are taken for relays.
    pub(crate) fn local_relays(&self) -> LocalRelays {
        match self.net.check_network(Network::Local) {
            Ok(()) => LocalRelays::Accepted,
            Err(_) => LocalRelays::Refused,
        }
    }

    /// A number from 0 to 1 that spreads delays.
    pub(crate) fn luck(&self) -> f64 {
        rand::random()
    }
}

/// A role that works in cycles.
#[async_trait]
pub trait Service: Send + Sync {
    /// Which role.
    fn name(&self) -> ServiceName;

    /// How often, and when it gives up.
    fn schedule(&self) -> Schedule;

    /// Whether something is due now, so that the next cycle should not wait for the interval to pass.
    ///
    /// # Errors
    /// [`ServiceError`] when the store could not say.
    async fn has_due(&self) -> Result<bool, ServiceError> {
        Ok(false)
    }

    /// Removes what is of no use any more, before each cycle. Returns how many rows went.
    ///
    /// # Errors
    /// [`ServiceError`]; the cycle counts as failed then.
    async fn cleanup(&self) -> Result<u64, ServiceError> {
        Ok(0)
    }

    /// Does what is due. Once the soft token is cancelled it begins nothing new, keeps what it holds
    /// and returns within seconds.
    ///
    /// # Errors
    /// [`ServiceError`] when the cycle could not do its work; a relay that is down is none.
    async fn cycle(&self, tokens: &Tokens) -> Result<CycleSummary, ServiceError>;
}

/// What a cycle did, in numbers: gauges, the record of the cycle, and its log line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CycleSummary {
    /// Names as in the metrics, with their values.
    pub counts: Vec<(&'static str, u64)>,
    /// Whether more is due already, so that the next cycle should begin at once.
    pub has_more: bool,
}

impl CycleSummary {
    /// A cycle that did nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a number.
    pub fn with(mut self, name: &'static str, count: u64) -> Self {
        self.counts.push((name, count));
        self
    }

    /// Says whether more is due already.
    pub fn and_more_to_do(mut self, has_more: bool) -> Self {
        self.has_more = has_more;
        self
    }

    /// Whether the cycle found nothing to do.
    pub fn is_idle(&self) -> bool {
        self.counts.iter().all(|(_, count)| *count == 0)
    }

    /// The number of that name, 0 when there is none.
    pub fn count(&self, name: &str) -> u64 {
        let found = self.counts.iter().find(|(known, _)| *known == name);
        found.map_or(0, |(_, count)| *count)
    }
}

impl fmt::Display for CycleSummary {
    /// One line for a person, e.g. `12 promoted, 3 postponed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, count) in self.counts.iter().filter(|(_, count)| *count > 0) {
            write!(f, "{separator}{count} {}", name.replace('_', " "))?;
            separator = ", ";
        }
        if separator.is_empty() {
            f.write_str("nothing to do")?;
        }
        Ok(())
    }
}

/// Why a cycle failed.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The store did not do its part.
    #[error("store failed")]
    Store(#[from] StoreError),
    /// A file that the service works from could not be read.
    #[error("could not read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

impl ServiceError {
    /// The stable label for metrics and logs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Store(error) => error.reason(),
            Self::File { .. } => "file",
        }
    }
}

/// Runs something for each network that can be used, all at the same time, so that a slow network
/// does not hold up another.
///
/// # Errors
/// The first error, after all have ended.
async fn on_every_network<Work, Worked>(context: &Context, work: Work) -> Result<(), ServiceError>
where
    Work: Fn(Network) -> Worked,
    Worked: Future<Output = Result<(), ServiceError>>,
{
    let lanes = context.networks().into_iter().map(work);
    let results = futures_util::future::join_all(lanes).await;
    results.into_iter().collect()
}
