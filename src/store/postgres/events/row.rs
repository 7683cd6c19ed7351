//! Rows of events.

use nips::nip40::Expiration;
use nips::{EventId, EventRef, Kind, PublicKey, Signature};
use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row, Type};

use crate::store::StoreError;
use crate::store::eid::created_at;
use crate::store::events::{Scope, Visibility};

/// The columns that [`StoredEvent::read`] wants, of `event e` and `event_standing s`.
pub(super) const COLUMNS: &str = "e.eid, e.id, e.pubkey, e.kind, e.sig, e.tags, e.content,
    coalesce(s.visibility, CASE WHEN e.kind IN (4, 1059) THEN 1 ELSE 0 END)::SMALLINT AS visibility,
    s.expires_at";

/// The same, once they have these names.
pub(super) const NAMES: &str = "eid, id, pubkey, kind, sig, tags, content, visibility, expires_at";

/// A whole event as it was read.
pub(super) struct StoredEvent<'r> {
    pub(super) eid: i64,
    pub(super) event: EventRef<'r>,
    pub(super) visibility: Visibility,
    expiration: Expiration,
}

impl<'r> StoredEvent<'r> {
    /// # Errors
    /// [`StoreError::Damaged`] when a column holds what no event has.
    pub(super) fn read(row: &'r PgRow) -> Result<Self, StoreError> {
        let eid: i64 = row.try_get("eid").unwrap_or_default();
        Self::parse(row, eid).ok_or_else(|| StoreError::Damaged {
            what: format!("event {eid:016x}"),
        })
    }

    fn parse(row: &'r PgRow, eid: i64) -> Option<Self> {
        let kind: i32 = row.try_get("kind").ok()?;
        let visibility: i16 = row.try_get("visibility").ok()?;
        let expires_at: Option<i64> = row.try_get("expires_at").ok()?;
        let seconds = |at: i64| Expiration::At(at.cast_unsigned());
        Some(Self {
            eid,
            event: EventRef {
                id: EventId::from_slice(row.try_get("id").ok()?)?,
                pubkey: PublicKey::from_slice(row.try_get("pubkey").ok()?)?,
                created_at: created_at(u64::try_from(eid).ok()?),
                kind: Kind(u16::try_from(kind).ok()?),
                tags_json: row.try_get("tags").ok()?,
                content_json: row.try_get("content").ok()?,
                sig: Signature::from_slice(row.try_get("sig").ok()?)?,
            },
            visibility: Visibility::from_code(u8::try_from(visibility).ok()?)?,
            expiration: expires_at.map_or(Expiration::Never, seconds),
        })
    }

    /// The servable predicate over the row.
    pub(super) fn is_admitted(&self, scope: &Scope) -> bool {
        scope.admits(&self.event, self.visibility, self.expiration)
    }

    /// About the size of the event's JSON.
    pub(super) fn len(&self) -> usize {
        FIXED_LEN + self.event.tags_json.len() + self.event.content_json.len()
    }
}

/// Bytes of id, author, signature and numbers.
pub(super) const FIXED_LEN: usize = 150;

/// A column of an answer.
pub(super) fn column<'r, T>(row: &'r PgRow, name: &'static str) -> Result<T, StoreError>
where
    T: Decode<'r, Postgres> + Type<Postgres>,
{
    row.try_get(name).map_err(|_| StoreError::Damaged {
        what: format!("column {name}"),
    })
}

/// A number that is never negative.
pub(super) fn number(row: &PgRow, name: &'static str) -> Result<u64, StoreError> {
    column::<i64>(row, name).map(i64::cast_unsigned)
}
