//! Filters and scopes as SQL conditions over `event e` and `event_standing s`.
//!
//! They are exact: what they let through is what [`Filter::matches`] and [`Scope::admits`] let through. Tags are
//! found by hash and then looked for as text: in canonical JSON an unescaped quote after a bracket opens
//! a tag's name and nothing else, so `["t","x"` occurs only where that tag does.

use nips::{Filter, Kind, PublicKey};
use sqlx::{Postgres, QueryBuilder};

use super::batch::seconds;
use super::keys::{PostgresKeys, escaped};
use crate::store::events::{Banned, Scope};
use crate::store::rules::EventKeys;

/// Stored kinds that only their sender and recipients may read, [`Kind::is_private`].
const PRIVATE_KINDS: [i32; 2] = [
    Kind::ENCRYPTED_DIRECT_MESSAGE.0 as i32,
    Kind::GIFT_WRAP.0 as i32,
];

/// The statement that is being written.
pub(super) type Sql = QueryBuilder<Postgres>;

/// How the rows of a filter are best reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Through an index on ids, tags or authors; the answer is sorted afterwards.
    Index,
    /// Walking over time, or through the index on kinds: the statistics tell which is shorter.
    Time,
}

impl Access {
    pub(super) fn of(filter: &Filter) -> Self {
        if filter.ids.is_some() || filter.authors.is_some() || !filter.tags.is_empty() {
            Self::Index
        } else {
            Self::Time
        }
    }
}

/// Whether a filter can match anything. Nothing is searched for by text here (NIP-50).
pub(super) fn is_possible(filter: &Filter) -> bool {
    !filter.is_empty() && filter.search.is_none()
}

/// Appends everything about ids, authors, kinds and tags; the range of keys is the caller's.
pub(super) fn push_filter(sql: &mut Sql, filter: &Filter) {
    if let Some(ids) = &filter.ids {
        let ids: Vec<[u8; 32]> = ids.iter().map(|id| id.0).collect();
        sql.push(" AND e.id = ANY (").push_bind(ids).push(")");
    }
    if let Some(authors) = &filter.authors {
        sql.push(" AND e.pubkey = ANY (")
            .push_bind(bytes(authors))
            .push(")");
    }
    if let Some(kinds) = &filter.kinds {
        let kinds: Vec<i32> = kinds.iter().map(|kind| i32::from(kind.0)).collect();
        sql.push(" AND e.kind = ANY (").push_bind(kinds).push(")");
    }
    for (letter, values) in &filter.tags {
        let hashes: Vec<i32> = values
            .iter()
            .map(|value| PostgresKeys.tag(*letter, value))
            .collect();
        sql.push(" AND e.tag_hashes && ").push_bind(hashes);
        sql.push(" AND ");
        push_has_tag(sql, values.iter().map(|value| needle(*letter, value)));
    }
}

/// Appends what a scope lets through.
pub(super) fn push_scope(sql: &mut Sql, filter: &Filter, scope: &Scope) {
    if *scope != Scope::Known {
        sql.push(" AND e.content IS NOT NULL");
    }
    let Scope::Servable {
        readers,
        now,
        banned,
    } = scope
    else {
        return;
    };
    push_banned(sql, banned);
    sql.push(" AND coalesce(s.visibility, 0) IN (0, 1) AND coalesce(s.expires_at > ")
        .push_bind(seconds(*now))
        .push(", true) AND ");
    if readers.is_empty() {
        sql.push("e.kind <> ALL (")
            .push_bind(PRIVATE_KINDS)
            .push(")");
        return;
    }
    let kinds = filter.kinds.as_deref();
    if kinds.is_none_or(|kinds| !kinds.iter().all(|kind| kind.is_private())) {
        sql.push("(e.kind <> ALL (")
            .push_bind(PRIVATE_KINDS)
            .push(") OR ");
    } else {
        sql.push("(");
    }
    push_is_party(sql, readers);
    sql.push(")");
}

/// Leaves out what the operator shows to nobody.
fn push_banned(sql: &mut Sql, banned: &Banned) {
    if !banned.events.is_empty() {
        let ids: Vec<[u8; 32]> = banned.events.iter().map(|id| id.0).collect();
        sql.push(" AND e.id <> ALL (").push_bind(ids).push(")");
    }
    if !banned.authors.is_empty() {
        let authors: Vec<[u8; 32]> = banned.authors.iter().map(|key| key.0).collect();
        sql.push(" AND e.pubkey <> ALL (")
            .push_bind(authors)
            .push(")");
    }
}

/// What a reader wrote or is tagged in: both are in an index.
fn push_is_party(sql: &mut Sql, readers: &[PublicKey]) {
    let hex = || readers.iter().map(PublicKey::to_hex);
    let hashes: Vec<i32> = hex().map(|key| PostgresKeys.tag(b'p', &key)).collect();
    sql.push("e.pubkey = ANY (").push_bind(bytes(readers));
    sql.push(") OR e.tag_hashes && ")
        .push_bind(hashes)
        .push(" AND ");
    push_has_tag(sql, hex().map(|key| needle(b'p', &key)));
}

fn push_has_tag(sql: &mut Sql, needles: impl Iterator<Item = String>) {
    let needles: Vec<String> = needles.collect();
    sql.push("EXISTS (SELECT FROM unnest(")
        .push_bind(needles)
        .push("::TEXT[]) AS n (needle) WHERE strpos(e.tags, n.needle) > 0)");
}

/// How a tag begins in canonical JSON.
fn needle(letter: u8, value: &str) -> String {
    format!("[\"{}\",{}", char::from(letter), escaped(value))
}

fn bytes(keys: &[PublicKey]) -> Vec<[u8; 32]> {
    keys.iter().map(|key| key.0).collect()
}
