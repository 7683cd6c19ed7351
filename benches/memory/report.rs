//! The figures beside their targets.

use std::time::Duration;

use super::curve::{Curve, Line};
use super::machine;
use super::sample::Sample;

/// Most memory besides the map.
const BOUND_MB: f64 = 256.0;
/// Rows of the table.
const ROWS: usize = 12;
/// The part of the work that counts as warming up.
const WARM_UP: f64 = 0.25;

/// All samples.
pub(crate) struct Report {
    expected: u64,
    samples: Vec<Sample>,
    complete_at: Duration,
}

impl Report {
    pub(crate) fn new(expected: u64) -> Self {
        Self {
            expected,
            samples: Vec::new(),
            complete_at: Duration::ZERO,
        }
    }

    pub(crate) fn add(&mut self, sample: Sample) {
        self.samples.push(sample);
    }

    /// Everything had come at that time.
    pub(crate) fn complete(&mut self, at: Duration) {
        self.complete_at = at;
    }

    pub(crate) fn print(&self) {
        println!(
            "\n{:>8} {:>12} {:>12} {:>14} {:>16} {:>10}",
            "second", "events", "sightings", "anonymous MB", "besides map MB", "map MB"
        );
        let step = self.samples.len().div_ceil(ROWS).max(1);
        let last = self.samples.last();
        for sample in self.samples.iter().step_by(step).chain(last) {
            println!(
                "{:>8} {:>12} {:>12} {:>14.1} {:>16.1} {:>10.1}",
                sample.at.as_secs(),
                sample.events,
                sample.sightings,
                mb(sample.anonymous_kb),
                mb(sample.besides_map_kb),
                mb(sample.map_kb)
            );
        }
        let seconds = self.complete_at.as_secs_f64();
        println!(
            "\ncomplete after {seconds:.0} s: {} sightings expected",
            self.expected
        );
        for (name, figure) in FIGURES {
            let warm = self.samples.iter().filter(|sample| self.is_warm(sample));
            let warm: Vec<f64> = warm.map(figure).collect();
            let highest = self.samples.iter().map(figure).fold(0.0, f64::max);
            let (early, late) = warm.split_at(warm.len() / 2);
            println!(
                "{name:<14} highest {highest:>6.1} MB (target ≤ {BOUND_MB}), after warm-up {:>5.1} to {:>5.1} MB, drift {:+.1} MB",
                warm.iter().copied().fold(f64::MAX, f64::min),
                warm.iter().copied().fold(0.0, f64::max),
                mean(late) - mean(early),
            );
        }
    }

    pub(crate) fn draw(&self) {
        let line = |(name, figure): Figure, color| Line {
            name,
            color,
            points: self
                .samples
                .iter()
                .map(|s| (s.at.as_secs_f64(), figure(s)))
                .collect(),
        };
        let done = |sample: &Sample| {
            let share = sample.sightings as f64 / self.expected as f64;
            (sample.at.as_secs_f64(), share.min(1.0) * BOUND_MB)
        };
        let progress = Line {
            name: "archived, of everything",
            color: "#c9c4b8",
            points: self.samples.iter().map(done).collect(),
        };
        let curve = Curve {
            title: "Memory of bigbrotr run while it archives a laboratory, MB",
            footnote: &machine::describe(),
            lines: vec![
                progress,
                line(FIGURES[1], "#9fb2cc"),
                line(FIGURES[0], "#7fae86"),
            ],
            bound: (BOUND_MB, "bound"),
        };
        println!("\n{}", curve.save("memory.svg").display());
    }

    fn is_warm(&self, sample: &Sample) -> bool {
        sample.at.as_secs_f64() >= WARM_UP * self.complete_at.as_secs_f64()
    }
}

/// What is followed: its name, and how to read it, in MB.
type Figure = (&'static str, fn(&Sample) -> f64);

const FIGURES: [Figure; 2] = [
    ("anonymous", |sample| mb(sample.anonymous_kb)),
    ("besides map", |sample| mb(sample.besides_map_kb)),
];

fn mb(kilobytes: u64) -> f64 {
    kilobytes as f64 / 1_024.0
}

fn mean(figures: &[f64]) -> f64 {
    figures.iter().sum::<f64>() / figures.len().max(1) as f64
}
