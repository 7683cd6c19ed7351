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
    /// Events that may wait before they are indexed, and as many again may come while they are. An indexing changes most
    /// pages of the indexes of a few million events, however little it brings: the more it brings, the less an event costs.
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
            max_events: 1_024_000,
            step_pages: 4_096,
            idle: Duration::from_millis(250),
        }
    }
}

impl Deferral {
    /// Whether what is in memory has to be merged.
    pub(super) fn is_merge_due(&self, load: Load) -> bool {
        self.next_run(load) >= 1.0
    }

    /// How much waits, as a share of what may: from 1 it is indexed, and at 2 nothing may be added.
    pub(super) fn fill(&self, load: Load) -> f64 {
        let runs = load.runs as f64 + self.next_run(load);
        share(load.events, self.max_events).max(runs / self.max_runs.max(1) as f64)
    }

    /// How much of the next merge there is.
    fn next_run(&self, load: Load) -> f64 {
        share(load.commits, self.run_commits).max(share(load.events_in_memory, self.run_events))
    }
}

fn share(count: usize, most: usize) -> f64 {
    count as f64 / most.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_full_by_events_or_by_merges() {
        let deferral = Deferral::default();
        let fill = |events, runs| {
            let load = Load {
                events,
                runs,
                ..Load::default()
            };
            deferral.fill(load)
        };
        assert_eq!(fill(0, 0), 0.0);
        assert_eq!(fill(1_024_000, 3), 1.0);
        assert_eq!(fill(512_000, 4), 0.5);
        assert_eq!(fill(512_000, 8), 1.0);
        assert_eq!(fill(2_048_000, 8), 2.0);
    }

    #[test]
    fn what_is_in_memory_is_a_part_of_a_merge() {
        let deferral = Deferral::default();
        let load = |commits, events_in_memory| Load {
            commits,
            events_in_memory,
            runs: 8,
            events: events_in_memory,
        };
        assert_eq!(deferral.fill(load(12, 5_000)), 8.5 / 8.0);
        assert_eq!(deferral.fill(load(1, 32_000)), 8.25 / 8.0);
        assert!(!deferral.is_merge_due(load(23, 127_999)));
        assert!(deferral.is_merge_due(load(24, 2_400)));
        assert!(deferral.is_merge_due(load(16, 128_000)));
    }
}
