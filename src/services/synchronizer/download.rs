//! Fetching events by their ids, in batches that every relay takes.

use std::collections::{BTreeMap, HashSet};

use nips::{EventId, Filter};
use tokio::time::Instant;
use tracing::debug;

use crate::model::GapReason;
use crate::net::Outcome;
use crate::store::StoreError;

use super::patience::Reaction;
use super::visit::Visit;

/// Ids in one question: a message of 14 kB, and an answer that few relays cap.
const IDS: usize = 200;

/// The fewest ids in one question of a relay that answers with less than it was asked for.
const FEWEST_IDS: usize = 20;

/// What came.
#[derive(Debug, Default)]
pub(super) struct Downloaded {
    /// Events that came under one of the ids.
    pub(super) events: usize,
    /// Seconds with an event that the archive did not take for a reason of its own.
    pub(super) not_kept: BTreeMap<u64, GapReason>,
    /// Some did not come.
    pub(super) is_short: bool,
}

impl Visit<'_> {
    /// Fetches the events, until all have come, the relay sends no more of them, or the visit has to
    /// end.
    ///
    /// # Errors
    /// [`StoreError`] when the archive could not take them.
    pub(super) async fn download(
        &mut self,
        ids: HashSet<EventId>,
    ) -> Result<Downloaded, StoreError> {
        let mut downloaded = Downloaded::default();
        let mut wanted: Vec<EventId> = ids.into_iter().collect();
        let mut at_once = IDS;
        while !wanted.is_empty() {
            if self.tokens.is_stopping() || Instant::now() >= self.ends_at {
                downloaded.is_short = true;
                break;
            }
            let asked = wanted.split_off(wanted.len().saturating_sub(at_once));
            let answer = self.ask_for(&asked).await?;
            let came: HashSet<EventId> = answer.page.events.iter().map(|e| e.id).collect();
            downloaded.events += came.len();
            downloaded.not_kept.extend(&answer.page.not_kept);
            let missing = asked.iter().filter(|id| !came.contains(*id)).copied();
            let missing: Vec<EventId> = missing.collect();
            if missing.is_empty() {
                self.patience.restore();
                continue;
            }
            let may_ask_again = match answer.outcome {
                None => false,
                Some(Outcome::Eose) => !came.is_empty(),
                Some(outcome) => self.may_ask_again(&outcome).await,
            };
            if may_ask_again {
                at_once = came.len().clamp(FEWEST_IDS, at_once.max(FEWEST_IDS));
                wanted.extend(missing);
            } else {
                debug!(count = missing.len(), "events_withheld");
                downloaded.is_short = true;
            }
        }
        Ok(downloaded)
    }

    async fn ask_for(
        &mut self,
        ids: &[EventId],
    ) -> Result<super::conversation::Answer, StoreError> {
        if self.conversation.connect(self.ends_at).await.is_err() {
            self.conversation.hang_up();
        }
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        let filter = Filter {
            limit: Some(ids.len()),
            ids: Some(ids),
            ..Filter::default()
        };
        let silence = self.longest_silence * (1 + self.patience.failures());
        self.conversation.ask(&filter, silence, self.ends_at).await
    }

    /// Waits as long as the failure asks for; `false` when the relay has had enough.
    async fn may_ask_again(&mut self, outcome: &Outcome) -> bool {
        self.keep_pace(outcome);
        let Reaction::Retry {
            pause,
            is_reconnecting,
            ..
        } = self.patience.react(outcome, self.context.luck())
        else {
            return false;
        };
        if Instant::now() + pause >= self.ends_at {
            return false;
        }
        if is_reconnecting {
            self.conversation.hang_up();
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            () = self.tokens.soft_stop() => false,
        }
    }
}
