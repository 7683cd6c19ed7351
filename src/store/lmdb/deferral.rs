//! When events are indexed later than they are stored.

use std::time::Duration;

/// When events are indexed later than they are stored. Queries see them all the same.
#[derive(Debug, Clone)]
pub struct Deferral {
    /// New events from which a commit leaves its index rows for later.
    pub from_events: usize,
    /// Events that may wait before they are indexed; about 120 bytes of memory each. As many again may
    /// come while they are.
    pub max_events: usize,
    /// Commits whose rows may wait; each costs a query as much as another index.
    pub max_commits: usize,
    /// Pages of 4 KB that one transaction of an indexing changes, about; they are held in memory until
    /// it ends.
    pub step_pages: usize,
    /// How long the writer has had nothing to do when it indexes what waits.
    pub idle: Duration,
}

impl Default for Deferral {
    fn default() -> Self {
        Self {
            from_events: 100,
            max_events: 128_000,
            max_commits: 24,
            step_pages: 4_096,
            idle: Duration::from_millis(250),
        }
    }
}

impl Deferral {
    /// How much these commits and events are, as a share of what may wait: from 1 it is indexed, and at
    /// 2 nothing may be added.
    pub(super) fn fill(&self, commits: usize, events: usize) -> f64 {
        let share = |count: usize, most: usize| count as f64 / most.max(1) as f64;
        share(commits, self.max_commits).max(share(events, self.max_events))
    }
}
