//! Starts, kills, and the last start, which is allowed to finish.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use fleet::ConfigPaths;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::program::Program;
use super::sample::Sample;

/// Between two samples.
const PERIOD: Duration = Duration::from_secs(1);

/// The longest life of a program that is killed: some of its cycles.
const LONGEST_LIFE: Duration = Duration::from_secs(40);

/// What is to be done.
pub(crate) struct Rounds<'a> {
    pub(crate) paths: &'a ConfigPaths,
    pub(crate) public: SocketAddr,
    pub(crate) kills: usize,
    /// Different events that the relays hold.
    pub(crate) events: u64,
    pub(crate) deadline: Instant,
}

impl Rounds<'_> {
    /// Does it. Returns the most memory besides the map that was seen, in kB.
    pub(crate) fn run(&self) -> u64 {
        let mut random = StdRng::seed_from_u64(1);
        let mut peak_kb = 0;
        for kill in 0..self.kills {
            let life = LONGEST_LIFE.mul_f64(random.random());
            let (sample, _) = self.live(Instant::now() + life, &mut peak_kb, u64::MAX);
            println!(
                "kill {kill} after {:.1?}: {} events seen {} times; {} MB, {} MB of its own, {} MB of the map",
                sample.at,
                sample.events,
                sample.sightings,
                sample.besides_map_kb >> 10,
                sample.anonymous_kb >> 10,
                sample.map_kb >> 10
            );
        }
        let (_, is_done) = self.live(self.deadline, &mut peak_kb, self.events);
        assert!(is_done, "it is not done in time");
        peak_kb
    }

    /// One life of the program, until `end` or until it has so many events. It ends as by `kill -9`.
    fn live(&self, end: Instant, peak_kb: &mut u64, enough: u64) -> (Sample, bool) {
        let started = Instant::now();
        let program = Program::start(self.paths, self.public);
        loop {
            let now = Instant::now();
            assert!(now < self.deadline, "it is not done in time");
            std::thread::sleep(PERIOD.min(end.saturating_duration_since(now)));
            let sample = Sample::take(&program, started.elapsed());
            *peak_kb = (*peak_kb).max(sample.besides_map_kb);
            let is_done = sample.events >= enough;
            if is_done || Instant::now() >= end {
                return (sample, is_done);
            }
        }
    }
}
