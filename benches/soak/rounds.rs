//! Starts, kills, and the last start, which is allowed to finish.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use fleet::ConfigPaths;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::program::Program;
use super::sample::Sample;

/// Between two samples, and the longest time from the moment when a kill is due to the kill.
const PERIOD: Duration = Duration::from_secs(1);

/// The longest life of a program that is killed, should the archive not grow.
const LONGEST_LIFE: Duration = Duration::from_secs(120);

/// What is to be done.
pub(crate) struct Rounds<'a> {
    pub(crate) paths: &'a ConfigPaths,
    pub(crate) public: SocketAddr,
    pub(crate) kills: usize,
    /// Different events that the relays hold.
    pub(crate) events: u64,
    pub(crate) deadline: Instant,
}

/// When one life of the program ends.
struct Life {
    end: Instant,
    /// Or when so many events are archived.
    enough: u64,
}

impl Rounds<'_> {
    /// Does it. Each kill comes when the archive has grown to a random part of its share, and at a random moment
    /// after that. Returns what was seen, by seconds from the start.
    pub(crate) fn run(&self) -> Vec<Sample> {
        let mut random = StdRng::seed_from_u64(1);
        let mut samples = Vec::new();
        let began = Instant::now();
        for kill in 0..self.kills {
            let share = (kill as f64 + random.random::<f64>()) / (self.kills + 1) as f64;
            let life = Life {
                end: Instant::now() + LONGEST_LIFE,
                enough: (self.events as f64 * share) as u64,
            };
            let (program, _) = self.live(&life, began, &mut samples);
            std::thread::sleep(PERIOD.mul_f64(random.random()));
            drop(program);
            if let Some(last) = samples.last() {
                println!("kill {kill}: {}", line(last));
            }
        }
        let last = Life {
            end: self.deadline,
            enough: self.events,
        };
        let (program, is_done) = self.live(&last, began, &mut samples);
        drop(program);
        assert!(is_done, "it is not done in time");
        samples
    }

    /// One life of the program, which is still running afterwards, and whether it has enough.
    fn live(&self, life: &Life, began: Instant, samples: &mut Vec<Sample>) -> (Program, bool) {
        let program = Program::start(self.paths, self.public);
        loop {
            let now = Instant::now();
            assert!(now < self.deadline, "it is not done in time");
            std::thread::sleep(PERIOD.min(life.end.saturating_duration_since(now)));
            let sample = Sample::take(&program, began.elapsed());
            samples.push(sample);
            let is_done = sample.events >= life.enough && sample.events > 0;
            if is_done || Instant::now() >= life.end {
                return (program, is_done);
            }
        }
    }
}

/// A sample as a line.
pub(crate) fn line(sample: &Sample) -> String {
    format!(
        "{:.0?}: {} events seen {} times; {} MB, {} MB of its own, {} MB of the map",
        sample.at,
        sample.events,
        sample.sightings,
        sample.besides_map_kb >> 10,
        sample.anonymous_kb >> 10,
        sample.map_kb >> 10
    )
}
