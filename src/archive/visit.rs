//! One call on its way through the door: look up, claim, verify, write, announce.

use std::sync::Arc;

use nips::{Event, Kind, nip70};
use tokio_util::sync::CancellationToken;

use super::admission::Inner;
use super::batch::{self, Row, RowOutcome, Timing};
use super::claims::{Claim, ClaimGuard};
use super::{Admission, Door, LiveEvent, Rejection, policy};
use crate::store::StoreError;
use crate::store::events::{BatchNumber, EventKey, IfProtected, NewEvent, Outcome, Visibility};
use crate::store::quarantine::QuarantinedEvent;

/// The state of one call.
pub(super) struct Visit<'a> {
    archive: &'a Inner,
    door: &'a Door,
    now: u64,
    answers: Vec<Option<Admission>>,
}

/// An event on its way in, and which input it was.
struct Arrival {
    position: usize,
    event: Event,
}

impl<'a> Visit<'a> {
    pub(super) fn new(archive: &'a Inner, door: &'a Door, now: u64, inputs: usize) -> Self {
        Self {
            archive,
            door,
            now,
            answers: vec![None; inputs],
        }
    }

    /// Takes the inputs all the way; one answer each, in their order.
    pub(super) async fn pass(
        mut self,
        parsed: Vec<Result<Event, Rejection>>,
    ) -> Result<Vec<Admission>, StoreError> {
        let mut open = self.apply_policy(parsed);
        while !open.is_empty() {
            open = self.settle_unclaimed(open).await?;
        }
        let answers = self.answers.into_iter();
        let answered = answers.map(|answer| answer.expect("every input was settled"));
        Ok(answered.collect())
    }

    fn apply_policy(&mut self, parsed: Vec<Result<Event, Rejection>>) -> Vec<Arrival> {
        let settings = &self.archive.settings;
        let mut open = Vec::with_capacity(parsed.len());
        for (position, event) in parsed.into_iter().enumerate() {
            let checked = event.and_then(|event| {
                policy::check(&event, self.door, settings, self.now)?;
                Ok(event)
            });
            match checked {
                Ok(event) => open.push(Arrival { position, event }),
                Err(rejection) => self.answers[position] = Some(Admission::Refused(rejection)),
            }
        }
        open
    }

    /// Settles what is known and what nobody else is working on, waits for the rest and gives it back.
    async fn settle_unclaimed(&mut self, open: Vec<Arrival>) -> Result<Vec<Arrival>, StoreError> {
        let (mut known, unknown) = self.split_known(open).await?;
        let ids = unknown.iter().map(|arrival| arrival.event.id());
        let (claims, mut guard) = self.archive.claims.claim(ids);
        let (mut mine, mut theirs) = (Vec::with_capacity(unknown.len()), Vec::new());
        let mut holders: Vec<Arc<CancellationToken>> = Vec::new();
        for (arrival, claim) in unknown.into_iter().zip(claims) {
            match claim {
                Claim::Mine => mine.push(arrival),
                // A client may not bring back what its author has deleted since: only a write tells.
                Claim::Recent if self.door.is_client() && !is_ephemeral(&arrival) => {
                    mine.push(arrival);
                }
                Claim::Recent => known.push(arrival),
                Claim::Theirs(holder) => {
                    theirs.push(arrival);
                    holders.push(holder);
                }
            }
        }
        self.settle(mine, known, &mut guard).await?;
        // Own claims go before waiting for others, so that no two calls wait for each other.
        drop(guard);
        for holder in holders {
            holder.cancelled().await;
        }
        Ok(theirs)
    }

    async fn settle(
        &mut self,
        new: Vec<Arrival>,
        known: Vec<Arrival>,
        guard: &mut ClaimGuard,
    ) -> Result<(), StoreError> {
        let signed = self.verify(new).await?;
        let (ephemeral, lasting) = signed.into_iter().partition(is_ephemeral);
        self.deliver(ephemeral, guard);
        self.store(lasting, known, guard).await
    }

    /// Known events, then those that are probably new. What clients bring is never taken for known.
    async fn split_known(
        &self,
        arrivals: Vec<Arrival>,
    ) -> Result<(Vec<Arrival>, Vec<Arrival>), StoreError> {
        if self.door.is_client() {
            return Ok((Vec::new(), arrivals));
        }
        let ids = arrivals.iter().map(|arrival| arrival.event.id());
        let mut is_known = self.archive.claims.are_recent(ids);
        let asked: Vec<usize> = (0..arrivals.len())
            .filter(|index| !is_known[*index])
            .collect();
        if !asked.is_empty() {
            let key = |index: &usize| EventKey::of(&arrivals[*index].event);
            let answers = self.archive.store.known(asked.iter().map(key).collect());
            for (index, answer) in asked.into_iter().zip(answers.await?) {
                is_known[index] = answer;
            }
        }
        let mut is_known = is_known.into_iter();
        let is_known = |_: &Arrival| is_known.next().expect("one answer for each event");
        Ok(arrivals.into_iter().partition(is_known))
    }

    /// Keeps what is signed by its author.
    async fn verify(&mut self, arrivals: Vec<Arrival>) -> Result<Vec<Arrival>, StoreError> {
        self.archive.counters.count_verified(arrivals.len());
        let parts = arrivals.into_iter().map(|a| (a.position, a.event));
        let (positions, events): (Vec<usize>, Vec<Event>) = parts.unzip();
        let verified = self.archive.verifier.verify(events).await?;
        let mut signed = Vec::with_capacity(verified.len());
        for (position, (event, is_signed)) in positions.into_iter().zip(verified) {
            if is_signed {
                signed.push(Arrival { position, event });
            } else {
                self.answers[position] = Some(Admission::Refused(Rejection::Signature));
            }
        }
        Ok(signed)
    }

    fn deliver(&mut self, arrivals: Vec<Arrival>, guard: &mut ClaimGuard) {
        guard.settle(arrivals.iter().map(|arrival| arrival.event.id()));
        let mut live = Vec::new();
        for Arrival { position, event } in arrivals {
            self.answers[position] = Some(Admission::Delivered);
            let is_hidden = self.door.if_protected() == IfProtected::Hide;
            let is_republished = is_hidden && is_protected(&event);
            if !is_republished {
                let visibility = ephemeral_visibility(event.kind());
                live.push(Arc::new(LiveEvent::new(event, visibility)));
            }
        }
        self.archive.announce(None, &live);
    }

    async fn store(
        &mut self,
        new: Vec<Arrival>,
        known: Vec<Arrival>,
        guard: &mut ClaimGuard,
    ) -> Result<(), StoreError> {
        let (positions, rows) = self.rows(new, known);
        if rows.is_empty() {
            return Ok(());
        }
        let timing = Timing {
            now: self.now,
            // A client waits for its answer; a crawl goes on elsewhere.
            rows_to_come: match self.door.is_client() {
                true => 0,
                false => self.archive.verifier.waiting(),
            },
        };
        let written = batch::write(&*self.archive.store, rows, timing).await?;
        if written.failures > 0 {
            self.archive.counters.count_poisoned();
        }
        let mut live: Vec<(BatchNumber, Vec<Arc<LiveEvent>>)> = Vec::new();
        let has_listeners = self.archive.has_listeners();
        for (position, (row, outcome)) in positions.into_iter().zip(written.rows) {
            let admission = admission(outcome);
            if let Row::Event(new) = row {
                if is_stored(&admission) {
                    guard.settle([new.event.id()].into_iter());
                }
                if has_listeners {
                    collect_live(&mut live, new.event, outcome);
                }
            }
            self.answers[position] = Some(admission);
        }
        for (batch, events) in live {
            self.archive.announce(Some(batch), &events);
        }
        self.quarantine(&written.poisoned).await
    }

    /// Keeps aside what the store failed on. Where that fails, too, it is not worth the rest of the batch, unless
    /// trying again helps.
    async fn quarantine(&self, poisoned: &[QuarantinedEvent]) -> Result<(), StoreError> {
        let Some(quarantine) = self.archive.quarantine.get() else {
            return Ok(());
        };
        if poisoned.is_empty() {
            return Ok(());
        }
        match quarantine.quarantine(poisoned).await {
            Err(error) if error.is_transient() => Err(error),
            Err(error) => {
                tracing::warn!(count = poisoned.len(), %error, "poisoned events could not be kept aside");
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    /// What has to be written, and the input that each row answers. Known events that bring no
    /// sighting are answered at once.
    fn rows(&mut self, new: Vec<Arrival>, known: Vec<Arrival>) -> (Vec<usize>, Vec<Row>) {
        let sighting = self.door.sighting(self.now);
        let (if_deleted, if_protected) = (self.door.if_deleted(), self.door.if_protected());
        let mut positions = Vec::with_capacity(new.len() + known.len());
        let mut rows = Vec::with_capacity(new.len() + known.len());
        for Arrival { position, event } in new {
            positions.push(position);
            rows.push(Row::Event(NewEvent {
                event,
                sighting,
                if_deleted,
                if_protected,
            }));
        }
        for arrival in known {
            match sighting.filter(|_| !is_ephemeral(&arrival)) {
                Some(sighting) => {
                    positions.push(arrival.position);
                    rows.push(Row::Sighting(EventKey::of(&arrival.event), sighting));
                }
                None => {
                    let new_sighting = false;
                    self.answers[arrival.position] = Some(Admission::Known { new_sighting });
                }
            }
        }
        (positions, rows)
    }
}

fn is_ephemeral(arrival: &Arrival) -> bool {
    arrival.event.kind().is_ephemeral()
}

fn is_protected(event: &Event) -> bool {
    nip70::is_protected(&event.as_ref().tags())
}

fn ephemeral_visibility(kind: Kind) -> Visibility {
    if kind.is_private() {
        Visibility::Private
    } else {
        Visibility::Public
    }
}

fn is_stored(admission: &Admission) -> bool {
    matches!(admission, Admission::Stored(_) | Admission::Known { .. })
}

fn admission(outcome: RowOutcome) -> Admission {
    match outcome {
        RowOutcome::Event(Outcome::Stored(visibility), _) => Admission::Stored(visibility),
        RowOutcome::Event(Outcome::Known(new_sighting), _) | RowOutcome::Sighting(new_sighting) => {
            Admission::Known { new_sighting }
        }
        RowOutcome::Event(Outcome::Released(_), _) => Admission::Known {
            new_sighting: false,
        },
        RowOutcome::Event(Outcome::Refused(refusal), _) => {
            Admission::Refused(Rejection::Store(refusal))
        }
        RowOutcome::Poisoned => Admission::Refused(Rejection::Unstorable),
    }
}

/// Adds an event to those of its batch when readers may see it now and could not before.
fn collect_live(
    live: &mut Vec<(BatchNumber, Vec<Arc<LiveEvent>>)>,
    event: Event,
    outcome: RowOutcome,
) {
    let RowOutcome::Event(Outcome::Stored(visibility) | Outcome::Released(visibility), Some(batch)) =
        outcome
    else {
        return;
    };
    if !visibility.is_servable() {
        return;
    }
    let event = Arc::new(LiveEvent::new(event, visibility));
    match live.iter_mut().find(|(number, _)| *number == batch) {
        Some((_, events)) => events.push(event),
        None => live.push((batch, vec![event])),
    }
}
