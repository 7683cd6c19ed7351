//! The figures beside their targets.

use super::bars::{Bar, Bars};
use super::machine;
use super::stations::{Cost, Round};

/// All rounds.
#[derive(Default)]
pub(crate) struct Report {
    rounds: Vec<Round>,
}

struct Station {
    name: &'static str,
    cost: fn(&Round) -> Cost,
}

const SIGNATURES: Station = Station {
    name: "signatures alone",
    cost: |round| round.signatures,
};
const NEW: Station = Station {
    name: "archive new events",
    cost: |round| round.new,
};
const KNOWN: Station = Station {
    name: "known, looked up",
    cost: |round| round.known,
};
const REMEMBERED: Station = Station {
    name: "known, remembered",
    cost: |round| round.remembered,
};

/// How fast a station has to be, as a multiple of another.
struct Target {
    name: &'static str,
    station: Station,
    beside: Station,
    multiple: f64,
}

const TARGETS: [Target; 3] = [
    Target {
        name: "new / signatures",
        station: NEW,
        beside: SIGNATURES,
        multiple: 0.70,
    },
    Target {
        name: "known, looked up / new",
        station: KNOWN,
        beside: NEW,
        multiple: 10.0,
    },
    Target {
        name: "known, remembered / new",
        station: REMEMBERED,
        beside: NEW,
        multiple: 10.0,
    },
];

impl Report {
    pub(crate) fn add(&mut self, round: Round) {
        self.rounds.push(round);
    }

    pub(crate) fn print(&self) {
        println!(
            "{:<26} {:>10} {:>16} {:>12} {:>10} {:>12} {:>11}",
            "all rounds",
            "events/s",
            "lowest–highest",
            "CPU µs/event",
            "writer's",
            "bytes/event",
            "cores left"
        );
        for station in [SIGNATURES, NEW, KNOWN, REMEMBERED] {
            self.print_station(&station);
        }
        println!(
            "\n{:<26} {:>10} {:>16} {:>12} {:>10} {:>12}",
            "ratios", "of rates", "lowest–highest", "a core left", "of CPU", "target"
        );
        for target in &TARGETS {
            self.print_target(target);
        }
    }

    fn print_station(&self, station: &Station) {
        let all = self.total(station);
        let rates = self.spread(|round| (station.cost)(round).rate());
        let per_event = |figure: f64| figure / all.events as f64;
        println!(
            "{:<26} {:>10.0} {:>16} {:>12.2} {:>10.2} {:>12.0} {:>11.2}",
            station.name,
            all.rate(),
            format!("{:.0}–{:.0}", rates.lowest, rates.highest),
            per_event(all.cpu_us),
            per_event(all.writer_us),
            per_event(all.written_bytes as f64),
            all.cores_left
        );
    }

    fn print_target(&self, target: &Target) {
        let ratio = |figure: fn(Cost) -> f64| {
            figure(self.total(&target.station)) / figure(self.total(&target.beside))
        };
        let rate = |station: &Station, round: &Round| (station.cost)(round).rate();
        let rates = self.spread(|round| rate(&target.station, round) / rate(&target.beside, round));
        println!(
            "{:<26} {:>10.2} {:>16} {:>12.2} {:>10.2} {:>12}",
            target.name,
            ratio(Cost::rate),
            format!("{:.2}–{:.2}", rates.lowest, rates.highest),
            ratio(|cost| cost.rate() / cost.cores_left),
            ratio(|cost| cost.events as f64 / cost.cpu_us),
            format!("≥ {}", target.multiple)
        );
    }

    pub(crate) fn draw(&self) {
        let rate = |station: &Station| self.total(station).rate();
        let bar = |station: Station| {
            let mut targets = TARGETS
                .iter()
                .filter(|target| target.station.name == station.name);
            let is_missed =
                |target: &Target| rate(&target.station) < target.multiple * rate(&target.beside);
            let rate = rate(&station);
            Bar {
                label: station.name.to_owned(),
                length: rate,
                text: format!("{:.1} k", rate / 1_000.0),
                is_missed: targets.any(is_missed),
            }
        };
        let chart = Bars {
            title: "Events a second",
            footnote: &machine::describe(),
            bars: [SIGNATURES, NEW, KNOWN, REMEMBERED].map(bar).into(),
            line: None,
        };
        println!("\n{}", chart.save("archive.svg").display());
    }

    /// What a station took in all rounds together.
    fn total(&self, station: &Station) -> Cost {
        let mut all = Cost::default();
        for cost in self.rounds.iter().map(station.cost) {
            let seconds = all.seconds + cost.seconds;
            all = Cost {
                events: all.events + cost.events,
                seconds,
                cpu_us: all.cpu_us + cost.cpu_us,
                writer_us: all.writer_us + cost.writer_us,
                written_bytes: all.written_bytes + cost.written_bytes,
                cores_left: (all.cores_left * all.seconds + cost.cores_left * cost.seconds)
                    / seconds,
            };
        }
        all
    }

    fn spread(&self, figure: impl Fn(&Round) -> f64) -> Spread {
        let mut figures: Vec<f64> = self.rounds.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        Spread {
            lowest: figures[0],
            highest: figures[figures.len() - 1],
        }
    }
}

struct Spread {
    lowest: f64,
    highest: f64,
}

impl Cost {
    fn rate(self) -> f64 {
        self.events as f64 / self.seconds
    }
}
