//! Writing a batch: one call, repeated when it met another writer in an unlucky order.

use sqlx::Row;
use sqlx::postgres::PgRow;

use super::batch::{Place, PreparedBatch, SightingPlace};
use super::session::Session;
use crate::store::StoreError;
use crate::store::events::{BatchNumber, Outcome, Refusal, Visibility, WriteReport};
use crate::store::postgres::PostgresStore;
use crate::store::postgres::connection::statement;
use crate::store::postgres::error::is_conflict;

const WRITE: &str = include_str!("../../../../sql/postgres/queries/write.sql");

/// What the fate of a released event has in front of its visibility.
const RELEASED: u8 = 30;

/// Attempts of a batch that loses against other writers: when what it knew of was removed meanwhile, or in a
/// deadlock over keys that several events want.
const ATTEMPTS: usize = 5;

impl PostgresStore {
    /// Stores a batch.
    pub(super) async fn write_prepared(
        &self,
        batch: &PreparedBatch,
    ) -> Result<WriteReport, StoreError> {
        let is_empty = batch.events.eids.is_empty() && batch.sightings.relays.is_empty();
        if is_empty {
            return Ok(report(batch, &Answer::default()));
        }
        for _ in 1..ATTEMPTS {
            match self.attempt(batch).await {
                Err(error) if is_conflict(&error) => {
                    tracing::debug!(%error, "a batch of events is written again");
                }
                answer => return answer.map(|answer| report(batch, &answer)),
            }
        }
        let answer = self.attempt(batch).await;
        answer.map(|answer| report(batch, &answer))
    }

    async fn attempt(&self, batch: &PreparedBatch) -> Result<Answer, StoreError> {
        let mut session = self.writing("write").await?;
        let row = call(&mut session, batch).await?;
        session.commit().await?;
        Answer::read(&row).ok_or_else(|| StoreError::Damaged {
            what: "answer to a write".to_owned(),
        })
    }
}

async fn call(session: &mut Session, batch: &PreparedBatch) -> Result<PgRow, StoreError> {
    let (events, sightings) = (&batch.events, &batch.sightings);
    let call = statement(WRITE)
        .bind(&events.eids[..])
        .bind(&events.ids[..])
        .bind(&events.pubkeys[..])
        .bind(&events.kinds[..])
        .bind(&events.sigs[..])
        .bind(&events.tags[..])
        .bind(&events.contents[..])
        .bind(&events.hashes[..])
        .bind(&events.addresses[..])
        .bind(&events.owns[..])
        .bind(&events.expirations[..])
        .bind(&events.vanishing[..])
        .bind(&events.refusing[..])
        .bind(&sightings.places[..])
        .bind(&sightings.eids[..])
        .bind(&sightings.ids[..])
        .bind(&sightings.relays[..])
        .bind(&sightings.seen[..])
        .bind(batch.now);
    session.row(call).await
}

/// What `event_write` said.
#[derive(Default)]
struct Answer {
    fates: Vec<Fate>,
    new_sightings: Vec<bool>,
    batch: Option<BatchNumber>,
}

/// What became of one event.
#[derive(Clone, Copy)]
enum Fate {
    Stored(Visibility),
    Known,
    Released(Visibility),
    Refused(Refusal),
}

impl Answer {
    fn read(row: &PgRow) -> Option<Self> {
        let fates: Vec<i16> = row.try_get("fates").ok()?;
        let batch: Option<i64> = row.try_get("batch").ok()?;
        Some(Self {
            fates: fates
                .into_iter()
                .map(Fate::of_code)
                .collect::<Option<_>>()?,
            new_sightings: row.try_get("new_sightings").ok()?,
            batch: batch.map(|number| BatchNumber(number.cast_unsigned())),
        })
    }

    fn outcome(&self, place: Place) -> Outcome {
        let (event, is_first, sighting) = match place {
            Place::Refused(refusal) => return Outcome::Refused(refusal),
            Place::At {
                event,
                is_first,
                sighting,
            } => (event, is_first, sighting),
        };
        let is_new = sighting.is_some_and(|sighting| self.is_new(sighting));
        match self.fates[event] {
            Fate::Stored(visibility) if is_first => Outcome::Stored(visibility),
            Fate::Released(visibility) if is_first => Outcome::Released(visibility),
            Fate::Stored(_) | Fate::Released(_) | Fate::Known => Outcome::Known(is_new),
            Fate::Refused(refusal) => Outcome::Refused(refusal),
        }
    }

    fn is_new(&self, sighting: SightingPlace) -> bool {
        sighting.is_first && self.new_sightings[sighting.index]
    }
}

impl Fate {
    /// As `sql/postgres/functions/event_write.sql` lists them.
    fn of_code(code: i16) -> Option<Self> {
        match code {
            10 => Some(Self::Known),
            20 => Some(Self::Refused(Refusal::Vanished)),
            21 => Some(Self::Refused(Refusal::Deleted)),
            22 => Some(Self::Refused(Refusal::KeySpaceFull)),
            code => {
                let code = u8::try_from(code).ok()?;
                let visibility = |code| Visibility::from_code(code);
                match code.checked_sub(RELEASED) {
                    Some(code) => visibility(code).map(Self::Released),
                    None => visibility(code).map(Self::Stored),
                }
            }
        }
    }
}

fn report(batch: &PreparedBatch, answer: &Answer) -> WriteReport {
    let outcome = |place: &Place| answer.outcome(*place);
    let new = batch
        .further
        .iter()
        .filter(|sighting| answer.is_new(**sighting));
    WriteReport {
        outcomes: batch.places.iter().map(outcome).collect(),
        new_sightings: new.count() as u64,
        batch: answer.batch,
    }
}
