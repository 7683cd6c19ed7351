//! Which of the laboratory's events are in the archive.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use fleet::ConfigPaths;
use fleet::events::Series;
use nips::{Event, EventId};

/// The first half of each id that the laboratory holds, sorted, and whether it was found. Whole ids would take twice
/// the memory, and halves differ as surely.
pub(crate) struct Census {
    held: Vec<u128>,
    is_found: Vec<bool>,
}

/// What the comparison came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Count {
    pub(crate) held: usize,
    pub(crate) missing: usize,
    /// In the archive and not the laboratory's: what our own monitor publishes.
    pub(crate) others: usize,
}

impl Census {
    /// Of a whole series.
    pub(crate) fn of(series: &Series, events: u64) -> Self {
        let mut held: Vec<u128> = (0..events).map(|number| half(&series.id(number))).collect();
        held.sort_unstable();
        Self {
            is_found: vec![false; held.len()],
            held,
        }
    }

    /// Compares with what `bigbrotr export` prints.
    pub(crate) fn compare(mut self, paths: &ConfigPaths) -> Count {
        let mut export = Command::new(env!("CARGO_BIN_EXE_bigbrotr"))
            .arg("export")
            .args(paths.arguments())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program was built");
        let output = export.stdout.take().expect("it is piped");
        let mut others = 0;
        for line in BufReader::new(output).lines() {
            let line = line.expect("JSON is UTF-8");
            let event = Event::from_json(&line).expect("an event");
            match self.held.binary_search(&half(&event.id())) {
                Ok(place) => self.is_found[place] = true,
                Err(_) => others += 1,
            }
        }
        assert!(export.wait().is_ok_and(|status| status.success()));
        Count {
            held: self.held.len(),
            missing: self.is_found.iter().filter(|is_found| !**is_found).count(),
            others,
        }
    }
}

fn half(id: &EventId) -> u128 {
    let (half, _) = id.0.split_at(16);
    u128::from_be_bytes(half.try_into().expect("16 of 32 bytes"))
}
