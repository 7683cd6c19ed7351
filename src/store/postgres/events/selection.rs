//! Statements that answer filters.

use nips::Filter;

use super::conditions::{Access, Sql, push_filter, push_scope};
use super::row::{COLUMNS, FIXED_LEN, NAMES};
use super::windows::Window;
use crate::store::events::Scope;

/// How far one statement may go.
#[derive(Clone, Copy)]
pub(super) struct Reach {
    pub(super) window: Window,
    pub(super) rows: usize,
    /// The first row comes however long it is.
    pub(super) bytes: usize,
}

/// The newest rows of a window that match, as many as may be taken, and with each how many that
/// would be without the bound in bytes (`found`).
pub(super) fn select(filter: &Filter, scope: &Scope, reach: Reach) -> Sql {
    let mut sql = Sql::new("SELECT ");
    sql.push(NAMES).push(", found FROM (SELECT ").push(NAMES);
    sql.push(", count(*) OVER () AS found, sum(octet_length(tags) + octet_length(content) + ")
        .push(FIXED_LEN)
        .push(") OVER (ORDER BY eid DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before");
    sql.push(" FROM (SELECT ").push(NAMES).push(" FROM (");
    push_candidates(&mut sql, COLUMNS, filter, scope, reach.window);
    sql.push(") AS c ORDER BY eid DESC LIMIT ")
        .push_bind(as_bigint(reach.rows));
    sql.push(") AS l) AS b WHERE coalesce(bytes_before, 0) < ")
        .push_bind(as_bigint(reach.bytes.max(1)))
        .push(" ORDER BY eid DESC");
    sql
}

/// What matches within a window, in any order. Where an index leads to it, the planner may not walk
/// in the order of keys until a limit outside is reached: where a value is frequent but was not
/// seen lately, that walks over everything.
pub(super) fn push_candidates(
    sql: &mut Sql,
    columns: &str,
    filter: &Filter,
    scope: &Scope,
    window: Window,
) {
    sql.push("SELECT ").push(columns);
    sql.push(" FROM event e LEFT JOIN event_standing s ON s.eid = e.eid WHERE e.eid BETWEEN ")
        .push_bind(window.low)
        .push(" AND ")
        .push_bind(window.high);
    push_filter(sql, filter);
    push_scope(sql, filter, scope);
    if Access::of(filter) == Access::Index {
        sql.push(" OFFSET 0");
    }
}

pub(super) fn as_bigint(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
