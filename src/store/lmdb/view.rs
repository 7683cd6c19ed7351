//! One state of the store: the tables as a transaction sees them, and what is not in the indexes yet.

use heed::RoTxn;
use nips::EventId;

use super::backlog::Backlog;
use super::fault::Fault;
use super::keys::{id_prefix, trailing_eid, with_eid};
use super::record::Record;
use super::tables::{Tables, visibility_of};
use crate::store::events::Visibility;

/// What readers, and the writer before it writes, look at.
#[derive(Clone, Copy)]
pub(super) struct View<'v> {
    pub(super) tables: &'v Tables,
    pub(super) txn: &'v RoTxn<'v>,
    pub(super) backlog: &'v Backlog,
}

impl<'v> View<'v> {
    /// The row of an event.
    pub(super) fn record(&self, eid: u64) -> Result<Option<Record<'v>>, Fault> {
        self.tables.record(self.txn, eid)
    }

    /// The key and the visibility of a stored event.
    pub(super) fn find(&self, id: &EventId) -> Result<Option<(u64, Visibility)>, Fault> {
        for entry in self.tables.by_id.prefix_iter(self.txn, &id_prefix(id))? {
            let (key, value) = entry?;
            let eid = trailing_eid(key);
            if self.is_at(eid, id)? {
                let visibility = match self.backlog.changed(eid) {
                    Some(code) => visibility_of(eid, &[code])?,
                    None => visibility_of(eid, value)?,
                };
                return Ok(Some((eid, visibility)));
            }
        }
        for eid in self.backlog.under(id) {
            if self.is_at(eid, id)? {
                return Ok(Some((eid, self.visibility(eid, id)?)));
            }
        }
        Ok(None)
    }

    fn is_at(&self, eid: u64, id: &EventId) -> Result<bool, Fault> {
        let record = self.record(eid)?;
        Ok(record.is_some_and(|record| record.id() == *id))
    }

    /// What readers may see of a stored event. A row in the table is right unless it was changed since,
    /// and where there is none yet, the event came lately.
    pub(super) fn visibility(&self, eid: u64, id: &EventId) -> Result<Visibility, Fault> {
        if let Some(code) = self.backlog.changed(eid) {
            return visibility_of(eid, &[code]);
        }
        let key: [u8; 16] = with_eid(&id_prefix(id), eid);
        if let Some(value) = self.tables.by_id.get(self.txn, &key)? {
            return visibility_of(eid, value);
        }
        let code = self.backlog.arrived(&key);
        visibility_of(eid, code.as_slice())
    }
}
