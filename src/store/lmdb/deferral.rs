//! When events are indexed later than they are stored.

use std::time::Duration;

use super::backlog::Load;

/// When events are indexed later than they are stored. Queries see them all the same.
#[derive(Debug, Clone)]
pub struct Deferral {
    /// New events from which a commit leaves its index rows for later.
    pub from_events: usize,
    /// Commits whose rows may be in memory; then they are merged, and go to a file. Each of them, and each
    /// merge, costs a query as much as another index.
    pub run_commits: usize,
    /// Events whose rows may be in memory, about 120 bytes each; then they are merged, too.
    pub run_events: usize,
    /// Merges that may wait before they are indexed.
    pub max_runs: usize,
    /// Events that may wait before they are indexed: a quarter of those that are stored, but not fewer
    /// than these. As many again may come while they are.
    pub min_events: usize,
    /// And not more than these.
    pub max_events: usize,
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
            run_commits: 24,
            run_events: 128_000,
            max_runs: 8,
            min_events: 512_000,
            max_events: 1_024_000,
            step_pages: 4_096,
            idle: Duration::from_millis(250),
        }
    }
}

impl Deferral {
    /// Whether what is in memory has to be merged.
    pub(super) fn is_merge_due(&self, load: Load) -> bool {
        load.commits >= self.run_commits.max(1) || load.events_in_memory >= self.run_events.max(1)
    }

    /// How much waits beside so many stored events, as a share of what may: from 1 it is indexed, and at 2
    /// nothing may be added. An indexing changes most pages of the indexes, however little it brings: what
    /// may wait grows with the archive, so that the cost of an event does not.
    pub(super) fn fill(&self, load: Load, stored: u64) -> f64 {
        let share = |count: usize, most: usize| count as f64 / most.max(1) as f64;
        let stored = usize::try_from(stored).unwrap_or(usize::MAX);
        let max_events = (stored / 4).max(self.min_events).min(self.max_events);
        share(load.runs, self.max_runs).max(share(load.events, max_events))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_may_wait_in_a_larger_archive() {
        let deferral = Deferral::default();
        let fill = |events, stored| {
            let load = Load {
                events,
                ..Load::default()
            };
            deferral.fill(load, stored)
        };
        assert_eq!(fill(512_000, 0), 1.0);
        assert_eq!(fill(750_000, 3_000_000), 1.0);
        assert_eq!(fill(1_024_000, u64::MAX), 1.0);
    }
}
