//! What readers and the writer share.

use heed::{Env, WithoutTls};

use super::backlog::Backlogs;
use super::deferral::Deferral;
use super::fault::Fault;
use super::lately_found::LatelyFound;
use super::pace::Pace;
use super::rules::Rules;
use super::tables::Tables;
use super::view::{NOTHING_FRESH, View};

/// One open archive.
pub(super) struct Engine {
    pub(super) env: Env<WithoutTls>,
    pub(super) tables: Tables,
    pub(super) rules: Rules,
    /// What is not in the indexes yet.
    pub(super) backlogs: Backlogs,
    pub(super) deferral: Deferral,
    /// Whether commits note what they change.
    pub(super) is_counted: bool,
    /// Where events are that somebody has asked for.
    pub(super) lately_found: LatelyFound,
    /// How readers make way for each other.
    pub(super) pace: Pace,
}

impl Engine {
    /// Runs a reader over the newest state.
    pub(super) fn read<T>(
        &self,
        reader: impl FnOnce(&Self, View<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        loop {
            let txn = self.env.read_txn()?;
            let Some(backlog) = self.backlogs.of(&self.tables, &txn)? else {
                continue;
            };
            let view = View {
                tables: &self.tables,
                txn: &txn,
                backlog: &backlog,
                fresh: &NOTHING_FRESH,
            };
            return reader(self, view);
        }
    }

    /// How much waits to be indexed, see [`Deferral::fill`].
    pub(super) fn fill(&self) -> f64 {
        self.deferral.fill(self.backlogs.load())
    }

    /// Merges what waits in memory when it is enough, or when it is not to wait any longer.
    pub(super) fn merge_backlog(&self, is_awaited: bool) {
        if is_awaited || self.deferral.is_merge_due(self.backlogs.load()) {
            self.backlogs.merge(self.env.path());
        }
    }
}
