//! What the soak showed: a summary as text, and memory over time as a picture.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use super::MAX_MEMORY_KB;
use super::census::Count;
use super::curve::{Curve, Line};
use super::machine;
use super::rounds::line;
use super::sample::Sample;

/// Stretches of the archive's growth whose peaks are told.
const STRETCHES: u64 = 10;

/// What was done, and what came of it.
pub(crate) struct Report<'a> {
    pub(crate) relays: usize,
    pub(crate) kills: usize,
    pub(crate) took: Duration,
    pub(crate) store_bytes: u64,
    pub(crate) samples: &'a [Sample],
    pub(crate) count: Count,
}

impl Report<'_> {
    /// The most memory besides the map that was seen, kB.
    pub(crate) fn peak_kb(&self) -> u64 {
        let besides_map = self.samples.iter().map(|sample| sample.besides_map_kb);
        besides_map.max().unwrap_or(0)
    }

    /// The summary.
    pub(crate) fn text(&self) -> String {
        let Count {
            held,
            missing,
            others,
        } = self.count;
        let mut text = String::new();
        let _ = writeln!(text, "{}\n", machine::describe());
        let _ = writeln!(
            text,
            "{} of {held} events of {} relays are archived, {missing} are missing, {others} are others",
            held - missing,
            self.relays
        );
        let _ = writeln!(
            text,
            "{} kills, {:.0?}, {} MB at the most besides the map, {} MB of store",
            self.kills,
            self.took,
            self.peak_kb() >> 10,
            self.store_bytes >> 20
        );
        for (until, peak_kb) in self.peaks() {
            let _ = writeln!(
                text,
                "until {until:>9} events: {} MB at the most",
                peak_kb >> 10
            );
        }
        if let Some(last) = self.samples.last() {
            let _ = writeln!(text, "last after {}", line(last));
        }
        text
    }

    /// The most memory while the archive grew by each tenth.
    fn peaks(&self) -> Vec<(u64, u64)> {
        let held = self.count.held as u64;
        let stretch = |number| held * number / STRETCHES;
        let peak = |number: u64| {
            let within = stretch(number - 1)..stretch(number);
            let samples = self.samples.iter().filter(|it| within.contains(&it.events));
            samples.map(|sample| sample.besides_map_kb).max()
        };
        let peaks = (1..=STRETCHES).map(|number| Some((stretch(number), peak(number)?)));
        peaks.flatten().collect()
    }

    /// Writes the picture.
    pub(crate) fn draw(&self) -> PathBuf {
        let points = |value: fn(&Sample) -> u64| {
            let samples = self.samples.iter();
            let point = |sample: &Sample| (sample.at.as_secs_f64(), value(sample) as f64 / 1_024.0);
            samples.map(point).collect()
        };
        let curve = Curve {
            title: "Memory of the program while it is killed and started again, MB",
            footnote: &machine::describe(),
            lines: vec![
                Line {
                    name: "all but the map of the store",
                    color: "#2f6fb0",
                    points: points(|sample| sample.besides_map_kb),
                },
                Line {
                    name: "its own",
                    color: "#c2571a",
                    points: points(|sample| sample.anonymous_kb),
                },
            ],
            bound: ((MAX_MEMORY_KB >> 10) as f64, "256 MB"),
        };
        curve.save("soak.svg")
    }
}
