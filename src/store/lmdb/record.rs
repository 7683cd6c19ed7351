//! How an event lies in the `events` table.
//!
//! ```text
//! event key 8 │ id 32 │ pubkey 32 │ kind 2 │ flags 1 │ [expiration 8] │ sig 64 │ length of tags 4 │ tags │ content
//! ```
//! Tags and content are the escaped JSON that frames are made of, so that reading an event copies
//! nothing. A stub ends after the flags. `created_at` is in the event key.

use std::io::{self, Write};

use nips::nip40::Expiration;
use nips::{Event, EventId, EventRef, Kind, PublicKey, Signature};

use super::fault::Fault;
use super::tables::Location;
use crate::store::eid::created_at;

const ID: usize = 8;
const PUBKEY: usize = 40;
const KIND: usize = 72;
const FLAGS: usize = 74;
const FIXED_LEN: usize = 75;
const SIG_LEN: usize = 64;

/// Only the fixed part is kept.
const STUB: u8 = 1;
/// Eight bytes of expiration follow the flags.
const EXPIRES: u8 = 2;

/// One row of the `events` table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'t> {
    place: u64,
    eid: u64,
    bytes: &'t [u8],
}

impl<'t> Record<'t> {
    /// The row at a place of the table.
    pub(super) fn new(place: u64, bytes: &'t [u8]) -> Result<Self, Fault> {
        let eid = bytes.first_chunk().copied().map(u64::from_be_bytes);
        let record = Self {
            place,
            eid: eid.unwrap_or_default(),
            bytes,
        };
        if bytes.len() < FIXED_LEN || (!record.is_stub() && bytes.len() < record.tags_at()) {
            return Err(record.damaged());
        }
        Ok(record)
    }

    pub(super) fn place(&self) -> u64 {
        self.place
    }

    pub(super) fn eid(&self) -> u64 {
        self.eid
    }

    pub(super) fn location(&self) -> Location {
        let (eid, place) = (self.eid, self.place);
        Location { eid, place }
    }

    pub(super) fn id(&self) -> EventId {
        EventId(*self.bytes[ID..].first_chunk().expect("length was checked"))
    }

    pub(super) fn pubkey(&self) -> PublicKey {
        PublicKey(
            *self.bytes[PUBKEY..]
                .first_chunk()
                .expect("length was checked"),
        )
    }

    pub(super) fn kind(&self) -> Kind {
        let bytes = self.bytes[KIND..]
            .first_chunk()
            .expect("length was checked");
        Kind(u16::from_be_bytes(*bytes))
    }

    pub(super) fn is_stub(&self) -> bool {
        self.bytes[FLAGS] & STUB != 0
    }

    pub(super) fn expiration(&self) -> Expiration {
        if self.is_stub() || self.bytes[FLAGS] & EXPIRES == 0 {
            return Expiration::Never;
        }
        let bytes = self.bytes[FIXED_LEN..].first_chunk();
        Expiration::At(u64::from_be_bytes(*bytes.expect("length was checked")))
    }

    /// The row itself.
    pub(super) fn to_vec(self) -> Vec<u8> {
        self.bytes.to_vec()
    }

    /// Size of the row, which is about that of the event's JSON.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The fields that need no decoding; tags, content and signature are empty.
    pub(super) fn header(&self) -> EventRef<'static> {
        EventRef {
            id: self.id(),
            pubkey: self.pubkey(),
            created_at: created_at(self.eid),
            kind: self.kind(),
            tags_json: "[]",
            content_json: "\"\"",
            sig: Signature([0; SIG_LEN]),
        }
    }

    /// The tags as JSON bytes; empty for a stub.
    pub(super) fn tags_bytes(&self) -> Result<&'t [u8], Fault> {
        if self.is_stub() {
            return Ok(&[]);
        }
        let start = self.tags_at();
        let tags = self.bytes.get(start..start + self.tags_len());
        tags.ok_or_else(|| self.damaged())
    }

    /// The whole event; [`Record::header`] for a stub.
    pub(super) fn event(&self) -> Result<EventRef<'t>, Fault> {
        if self.is_stub() {
            return Ok(self.header());
        }
        let tags = self.tags_bytes()?;
        let content = &self.bytes[self.tags_at() + tags.len()..];
        let sig = self.bytes[self.sig_at()..].first_chunk();
        Ok(EventRef {
            tags_json: std::str::from_utf8(tags).map_err(|_| self.damaged())?,
            content_json: std::str::from_utf8(content).map_err(|_| self.damaged())?,
            sig: Signature(*sig.expect("length was checked")),
            ..self.header()
        })
    }

    fn sig_at(&self) -> usize {
        FIXED_LEN + 8 * usize::from(self.bytes[FLAGS] & EXPIRES != 0)
    }

    fn tags_at(&self) -> usize {
        self.sig_at() + SIG_LEN + 4
    }

    fn tags_len(&self) -> usize {
        let bytes = self.bytes[self.sig_at() + SIG_LEN..].first_chunk();
        u32::from_be_bytes(*bytes.expect("length was checked")) as usize
    }

    fn damaged(&self) -> Fault {
        Fault::Damaged(format!("event {:016x} at {}", self.eid, self.place))
    }
}

/// An event about to become a row.
pub(super) struct RecordWriter<'e> {
    pub(super) eid: u64,
    pub(super) event: EventRef<'e>,
    pub(super) expiration: Expiration,
    pub(super) is_stub: bool,
}

impl<'e> RecordWriter<'e> {
    pub(super) fn new(eid: u64, event: &'e Event, expiration: Expiration, is_stub: bool) -> Self {
        Self {
            eid,
            event: event.as_ref(),
            expiration,
            is_stub,
        }
    }

    /// Length of the row.
    pub(super) fn len(&self) -> usize {
        if self.is_stub {
            return FIXED_LEN;
        }
        let texts = self.event.tags_json.len() + self.event.content_json.len();
        FIXED_LEN + 8 * usize::from(self.expiration.at().is_some()) + SIG_LEN + 4 + texts
    }

    /// Writes exactly [`RecordWriter::len`] bytes.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let expires_at = self.expiration.at();
        out.write_all(&self.eid.to_be_bytes())?;
        out.write_all(&self.event.id.0)?;
        out.write_all(&self.event.pubkey.0)?;
        out.write_all(&self.event.kind.0.to_be_bytes())?;
        if self.is_stub {
            return out.write_all(&[STUB]);
        }
        out.write_all(&[if expires_at.is_some() { EXPIRES } else { 0 }])?;
        if let Some(expires_at) = expires_at {
            out.write_all(&expires_at.to_be_bytes())?;
        }
        let tags = self.event.tags_json.as_bytes();
        let tags_len = u32::try_from(tags.len()).map_err(io::Error::other)?;
        out.write_all(&self.event.sig.0)?;
        out.write_all(&tags_len.to_be_bytes())?;
        out.write_all(tags)?;
        out.write_all(self.event.content_json.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use nips::event::UnsignedEvent;

    use super::*;
    use crate::store::events::EventKey;

    fn event() -> Event {
        let draft = UnsignedEvent {
            pubkey: PublicKey([7; 32]),
            created_at: 1_700_000_000,
            kind: Kind(30_023),
            tags: vec![vec!["d".into(), "é\n".into()]],
            content: "text".into(),
        };
        Event::from_parts(draft.id(), &draft, Signature([9; 64])).unwrap()
    }

    fn eid(event: &Event) -> u64 {
        EventKey::of(event).eid()
    }

    fn row(writer: &RecordWriter<'_>) -> Vec<u8> {
        let mut row = Vec::new();
        writer.write(&mut row).unwrap();
        assert_eq!(row.len(), writer.len());
        row
    }

    #[test]
    fn whole_events_round_trip() {
        let event = event();
        for expiration in [Expiration::Never, Expiration::At(5)] {
            let row = row(&RecordWriter::new(eid(&event), &event, expiration, false));
            let record = Record::new(7, &row).unwrap();
            assert_eq!((record.place(), record.eid()), (7, eid(&event)));
            assert_eq!(record.event().unwrap(), event.as_ref());
            assert_eq!(record.expiration(), expiration);
            assert_eq!(
                record.tags_bytes().unwrap(),
                "[[\"d\",\"é\\n\"]]".as_bytes()
            );
        }
    }

    #[test]
    fn stubs_keep_what_counts() {
        let event = event();
        let row = row(&RecordWriter::new(
            eid(&event),
            &event,
            Expiration::At(5),
            true,
        ));
        let record = Record::new(7, &row).unwrap();
        assert!(record.is_stub());
        assert_eq!(record.id(), event.id());
        assert_eq!(record.kind(), event.kind());
        assert_eq!(record.event().unwrap().created_at, event.created_at());
    }

    #[test]
    fn cut_rows_are_damaged_not_panics() {
        let event = event();
        let row = row(&RecordWriter::new(
            eid(&event),
            &event,
            Expiration::Never,
            false,
        ));
        for length in 0..row.len() {
            let Ok(record) = Record::new(1, &row[..length]) else {
                continue;
            };
            let _ = record.event();
            let _ = record.tags_bytes();
        }
    }
}
