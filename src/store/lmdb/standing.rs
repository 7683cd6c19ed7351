//! What readers may see of a stored event, computed from what is stored.
//!
//! This is a function of the stored events alone, and of which of them their authors brought, never of the order in which they came: whoever
//! stores or removes something that it depends on computes it again for the events concerned.

use heed::RoTxn;
use nips::nip09::is_deletable;
use nips::{Event, EventId, EventRef, Kind, PublicKey};

use super::fault::Fault;
use super::keys::{self, trailing_eid};
use super::rules::{Facts, VersionKey};
use super::tables::Tables;
use super::versions::Versions;
use super::view::View;
use crate::store::eid::created_at;
use crate::store::events::Visibility;

/// The state of an event at `now` unix seconds.
pub(super) fn standing(
    view: View<'_>,
    subject: Subject<'_>,
    now: u64,
) -> Result<Visibility, Fault> {
    let View { tables, txn, .. } = view;
    let Subject {
        eid, kind, facts, ..
    } = subject;
    if facts.is_stub {
        return Ok(Visibility::Stub);
    }
    if is_deleted(tables, txn, subject)? {
        return Ok(Visibility::Deleted);
    }
    if let Some(version_of) = &facts.version_of
        && current_version(view, version_of)? != Some(eid)
    {
        return Ok(Visibility::Superseded);
    }
    let is_protected = facts.is_protected && !is_brought_by_author(tables, txn, eid)?;
    Ok(if is_protected {
        Visibility::Protected
    } else if facts.expiration.is_past(now) {
        Visibility::Expired
    } else if kind.is_private() {
        Visibility::Private
    } else {
        Visibility::Public
    })
}

/// Whether a protected event came from its author (NIP-70).
pub(super) fn is_brought_by_author(
    tables: &Tables,
    txn: &RoTxn<'_>,
    eid: u64,
) -> Result<bool, Fault> {
    let row = tables.brought_by_author.get(txn, &eid.to_be_bytes())?;
    Ok(row.is_some())
}

/// An event whose standing is asked for: what it says is not looked at, only what is known about it.
#[derive(Clone, Copy)]
pub(super) struct Subject<'s> {
    eid: u64,
    id: EventId,
    pubkey: PublicKey,
    kind: Kind,
    facts: &'s Facts,
}

impl<'s> Subject<'s> {
    /// An event that arrives.
    pub(super) fn arriving(eid: u64, event: &Event, facts: &'s Facts) -> Self {
        Self {
            eid,
            id: event.id(),
            pubkey: event.pubkey(),
            kind: event.kind(),
            facts,
        }
    }

    /// One that is stored.
    pub(super) fn stored(eid: u64, event: &EventRef<'_>, facts: &'s Facts) -> Self {
        Self {
            eid,
            id: event.id,
            pubkey: event.pubkey,
            kind: event.kind,
            facts,
        }
    }
}

/// Whether a stored deletion request covers the event (NIP-09).
pub(super) fn is_deleted(
    tables: &Tables,
    txn: &RoTxn<'_>,
    subject: Subject<'_>,
) -> Result<bool, Fault> {
    let Subject { eid, facts, .. } = subject;
    if is_deletable(subject.kind) && is_id_deleted(tables, txn, subject)? {
        return Ok(true);
    }
    match &facts.version_of {
        Some(version_of) => is_version_deleted(tables, txn, version_of, created_at(eid)),
        None => Ok(false),
    }
}

/// Whether its author, or the recipient of a gift wrap (NIP-59), asked for it by its id.
fn is_id_deleted(tables: &Tables, txn: &RoTxn<'_>, subject: Subject<'_>) -> Result<bool, Fault> {
    for requester in std::iter::once(&subject.pubkey).chain(&subject.facts.recipients) {
        let prefix = keys::deleted_id_prefix(&subject.id, requester);
        for entry in tables.deleted_ids.prefix_iter(txn, &prefix)? {
            let (_, stored) = entry?;
            if *stored == requester.0 {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn is_version_deleted(
    tables: &Tables,
    txn: &RoTxn<'_>,
    version_of: &VersionKey,
    version_created_at: u64,
) -> Result<bool, Fault> {
    let requests = tables
        .deleted_addresses
        .rev_prefix_iter(txn, &version_of.prefix)?;
    for entry in requests {
        let (key, identity) = entry?;
        if created_at(trailing_eid(key)) < version_created_at {
            break;
        }
        if identity == version_of.identity {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The newest stored version of an address; of several in one second that with the lowest id
/// (NIP-01).
pub(super) fn current_version(
    view: View<'_>,
    version_of: &VersionKey,
) -> Result<Option<u64>, Fault> {
    let mut best: Option<u64> = None;
    for row in Versions::of(view, &version_of.prefix, u64::MAX)? {
        let row = row?;
        if best.is_some_and(|newest| created_at(newest) != created_at(row.eid)) {
            break;
        }
        if !row.is_version_of(view, version_of)? {
            continue;
        }
        match best {
            Some(newest) if !has_lower_id(view, row.eid, newest)? => {}
            _ => best = Some(row.eid),
        }
    }
    Ok(best)
}

/// Event keys order ids by 30 bits; this compares the rest.
fn has_lower_id(view: View<'_>, eid: u64, than: u64) -> Result<bool, Fault> {
    let id = |eid| -> Result<_, Fault> { Ok(view.record(eid)?.map(|record| record.id())) };
    Ok(id(eid)? < id(than)?)
}
