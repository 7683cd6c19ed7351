//! The publisher: sends what this monitor signed to the outside relays that its operator names.
//!
//! An event is archived and served by our own relay before it is queued here, and the queue is in the store. Each
//! outside relay has a lane: one connection, one event at a time, and every OK is looked at. What a relay took or
//! refused is forgotten, so that a restart repeats nothing; anything else ends the lane's turn, and the relay is
//! left alone for a while, longer each time. What it could not be told yet waits, each address once. What is taken from
//! the queue is leased, so that of several monitors with the same list one sends it.

mod lane;
mod routes;
mod standing;
mod verdict;

use std::future::Future;
use std::time::Duration;

use data_encoding::HEXLOWER;
use futures_util::future::join_all;
use nips::address::Address;
use nips::{Event, Kind};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::config::MonitorConfig;
use crate::lifecycle::Tokens;
use crate::metrics::PublicationMetrics;
use crate::model::Publication;
use crate::services::Context;
use crate::services::signer::Signer;
use crate::store::StoreError;
use crate::store::leases::WorkerId;

use lane::Lane;
use routes::Routes;

/// A longer subject is queued by its hash: an index entry of PostgreSQL holds 2,704 bytes, and both URLs of a
/// row may be long.
const MAX_SUBJECT_BYTES: usize = 512;

/// What sends to outside relays.
pub(super) struct Publisher {
    context: Context,
    signer: Signer,
    timeout: Duration,
    /// Who takes what is sent, among other monitors that send to the same relays.
    worker: WorkerId,
    routes: Routes,
    lanes: Vec<Lane>,
    metrics: PublicationMetrics,
}

/// What became of what was sent in one turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sendings {
    /// Events that a relay has now, or had.
    pub sent: u64,
    /// Events that a relay does not want.
    pub refused: u64,
    /// Events that are sent again later.
    pub failed: u64,
    /// Whether more waits for a relay that is not left alone.
    pub has_more: bool,
}

impl Sendings {
    fn and(self, other: Self) -> Self {
        Self {
            sent: self.sent + other.sent,
            refused: self.refused + other.refused,
            failed: self.failed + other.failed,
            has_more: self.has_more || other.has_more,
        }
    }
}

impl Publisher {
    /// One that sends where the configuration says.
    pub(super) fn new(
        context: &Context,
        config: &MonitorConfig,
        signer: Signer,
        metrics: PublicationMetrics,
    ) -> Self {
        let routes = Routes::of(config);
        let lanes: Vec<Lane> = routes.relays().into_iter().map(Lane::new).collect();
        for lane in &lanes {
            metrics.begin(lane.relay().as_str());
        }
        let context = Context {
            // What is sent is meant for this relay, and it may ask for our key.
            net: context.net.verifying(),
            ..context.clone()
        };
        Self {
            context,
            signer,
            timeout: config.publishing.timeout,
            worker: WorkerId(rand::random()),
            routes,
            lanes,
            metrics,
        }
    }

    /// Queues an event that the archive has, for the outside relays of its kind.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is queued then.
    pub(super) async fn queue(&self, event: &Event) -> Result<(), StoreError> {
        let relays = self.routes.to(event.kind());
        if relays.is_empty() {
            return Ok(());
        }
        let (subject, queued_at) = (subject(event), self.context.clock.now());
        let publications: Vec<Publication> = relays
            .iter()
            .map(|relay| Publication {
                relay: relay.clone(),
                subject: subject.clone(),
                event: event.id(),
                queued_at,
            })
            .collect();
        let store = &self.context.store;
        store.queue_publications(&publications).await?;
        for lane in &self.lanes {
            if relays.contains(lane.relay()) {
                lane.wake();
            }
        }
        Ok(())
    }

    /// Whether something waits for a relay that is not left alone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn has_due(&self) -> Result<bool, StoreError> {
        for lane in &self.lanes {
            if lane.has_due(self).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Sends what waits and what is queued during `work`. Once that is done, what is left gets a while.
    ///
    /// # Errors
    /// [`StoreError`] of the first lane that could not read or write its queue; `work` is done all the same.
    pub(super) async fn send_during<T>(
        &self,
        work: impl Future<Output = T>,
        tokens: &Tokens,
    ) -> (T, Result<Sendings, StoreError>) {
        let is_over = CancellationToken::new();
        let work = async {
            let done = work.await;
            is_over.cancel();
            done
        };
        let sending = async {
            self.forget_other_relays().await?;
            let lanes = self
                .lanes
                .iter()
                .map(|lane| lane.run(self, &is_over, tokens));
            let turns = join_all(lanes).await;
            turns
                .into_iter()
                .try_fold(Sendings::default(), |sum, turn| Ok(sum.and(turn?)))
        };
        tokio::join!(work, sending)
    }

    /// Drops what waits for relays that are not configured any more, and what is on record about them.
    async fn forget_other_relays(&self) -> Result<(), StoreError> {
        let store = &self.context.store;
        for (relay, count) in store.publication_counts().await? {
            if !self.lanes.iter().any(|lane| *lane.relay() == relay) {
                store.drop_publications(&relay).await?;
                info!(relay.url = %relay, count, "publications_dropped");
            }
        }
        standing::forget_others(store.as_ref(), &self.lanes).await
    }
}

/// What a later event of ours would say anew. A deletion is about what it deletes: it takes the place of that in
/// the queue, and is replaced when the address is used again.
fn subject(event: &Event) -> String {
    let event = event.as_ref();
    let subject = if event.kind == Kind::DELETION {
        event.first_tag("a").map(|address| address.into_owned())
    } else {
        Address::of(&event).map(|address| address.to_string())
    };
    let subject = subject.unwrap_or_else(|| event.id.to_hex());
    if subject.len() > MAX_SUBJECT_BYTES {
        return HEXLOWER.encode(&Sha256::digest(subject));
    }
    subject
}
