//! An errand: one relay now, because a person asked for it, whether or not it is due.

use std::collections::BTreeMap;

use tokio::sync::watch;

use crate::lifecycle::Tokens;
use crate::model::{GapReason, Relay};
use crate::services::ServiceError;

use super::Synchronizer;
use super::harvest::Harvest;
use super::progress::Progress;
use super::visit::{Reserve, VisitEnd, VisitReport};

/// What an errand brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    /// How it ended.
    pub end: ErrandEnd,
    /// Requests sent.
    pub requests: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Events stored for the first time.
    pub new: u64,
    /// Events that were stored before.
    pub known: u64,
    /// Events refused, by reason.
    pub refused: BTreeMap<&'static str, u64>,
}

/// How an errand ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrandEnd {
    /// Everything that can be covered now is covered, or waits as a gap.
    CaughtUp,
    /// Another process works on this relay just now, or too many relays of its host are being visited.
    Busy,
    /// The relay asks not to be archived.
    Unwelcome,
    /// It was told to stop; what came until then is kept.
    Interrupted,
    /// The relay could not be connected to, and why.
    Unreachable(&'static str),
    /// The relay did not go on answering, and why.
    GaveUp(GapReason),
}

impl Errand {
    fn of(end: ErrandEnd, (requests, received_bytes): (u64, u64), harvest: Harvest) -> Self {
        Self {
            end,
            requests,
            received_bytes,
            new: harvest.stored,
            known: harvest.known,
            refused: harvest.refused,
        }
    }
}

impl ErrandEnd {
    /// The stable label, e.g. `caught-up`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CaughtUp => "caught-up",
            Self::Busy => "busy",
            Self::Unwelcome => "unwelcome",
            Self::Interrupted => "interrupted",
            Self::Unreachable(_) => "unreachable",
            Self::GaveUp(_) => "gave-up",
        }
    }

    /// Why, when something was wrong.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::CaughtUp | Self::Interrupted => None,
            Self::Busy => Some("it is being worked on, or its host is"),
            Self::Unwelcome => Some("it asks not to be archived"),
            Self::Unreachable(reason) => Some(reason),
            Self::GaveUp(reason) => Some(reason.as_str()),
        }
    }
}

impl Synchronizer {
    /// Visits a relay until everything is covered that can be, and writes down when it is due again, as a
    /// cycle does. How far it is can be watched.
    ///
    /// # Errors
    /// [`ServiceError`] when the store did not do its part.
    pub async fn run_errand(
        &self,
        relay: &Relay,
        tokens: &Tokens,
        progress: &watch::Sender<Progress>,
    ) -> Result<Errand, ServiceError> {
        let leases = &self.0.leases;
        let Some(tokens) = leases.take(tokens, relay.id).await? else {
            return Ok(Errand::of(ErrandEnd::Busy, (0, 0), Harvest::default()));
        };
        let done = tokio::select! {
            done = self.run_leased(relay, &tokens, progress) => done,
            never = leases.renew() => match never {},
        };
        leases.release(relay.id).await;
        done
    }

    async fn run_leased(
        &self,
        relay: &Relay,
        tokens: &Tokens,
        progress: &watch::Sender<Progress>,
    ) -> Result<Errand, ServiceError> {
        let began_at = self.0.context.clock.now();
        let mut harvest = Harvest::default();
        let (mut requests, mut received_bytes) = (0, 0);
        loop {
            let visited = self.0.visit(relay, tokens, Some(progress)).await?;
            if let Some(report) = &visited {
                self.0.record(relay, began_at, report).await?;
                harvest.merge(&report.harvest);
                requests += report.requests;
                received_bytes += report.received_bytes;
            }
            if let Some(end) = end_of(visited.as_ref()) {
                return Ok(Errand::of(end, (requests, received_bytes), harvest));
            }
            progress.send_modify(Progress::go_on);
        }
    }
}

/// `None` when the visit's share of time was too short.
fn end_of(visited: Option<&VisitReport>) -> Option<ErrandEnd> {
    let Some(report) = visited else {
        return Some(ErrandEnd::Interrupted);
    };
    match report.end {
        VisitEnd::CaughtUp => Some(ErrandEnd::CaughtUp),
        VisitEnd::OutOfTime => None,
        VisitEnd::Stopped => Some(ErrandEnd::Interrupted),
        VisitEnd::Unreachable(reason) => Some(ErrandEnd::Unreachable(reason)),
        VisitEnd::GaveUp(reason) => Some(ErrandEnd::GaveUp(reason)),
        VisitEnd::PassedOver(Reserve::Unwelcome) => Some(ErrandEnd::Unwelcome),
        VisitEnd::PassedOver(Reserve::HostBusy) => Some(ErrandEnd::Busy),
    }
}
