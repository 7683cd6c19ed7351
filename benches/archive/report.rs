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
            "median of rounds",
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
        let figure = |figure: fn(Cost) -> f64| self.spread(|round| figure((station.cost)(round)));
        let rate = figure(Cost::rate);
        println!(
            "{:<26} {:>10.0} {:>16} {:>12.2} {:>10.2} {:>12.0} {:>11.2}",
            station.name,
            rate.median,
            format!("{:.0}–{:.0}", rate.lowest, rate.highest),
            figure(|cost| cost.cpu_us / cost.events as f64).median,
            figure(|cost| cost.writer_us / cost.events as f64).median,
            figure(|cost| cost.written_bytes as f64 / cost.events as f64).median,
            figure(|cost| cost.cores_left).median
        );
    }

    fn print_target(&self, target: &Target) {
        let ratio = |figure: fn(Cost) -> f64| {
            let of = |station: &Station, round: &Round| figure((station.cost)(round));
            self.spread(|round| of(&target.station, round) / of(&target.beside, round))
        };
        let rates = ratio(Cost::rate);
        println!(
            "{:<26} {:>10.2} {:>16} {:>12.2} {:>10.2} {:>12}",
            target.name,
            rates.median,
            format!("{:.2}–{:.2}", rates.lowest, rates.highest),
            ratio(|cost| cost.rate() / cost.cores_left).median,
            ratio(|cost| cost.events as f64 / cost.cpu_us).median,
            format!("≥ {}", target.multiple)
        );
    }

    pub(crate) fn draw(&self) {
        let rate = |station: &Station| self.spread(|round| (station.cost)(round).rate()).median;
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

    fn spread(&self, figure: impl Fn(&Round) -> f64) -> Spread {
        let mut figures: Vec<f64> = self.rounds.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        Spread {
            median: figures[figures.len() / 2],
            lowest: figures[0],
            highest: figures[figures.len() - 1],
        }
    }
}

struct Spread {
    median: f64,
    lowest: f64,
    highest: f64,
}

impl Cost {
    fn rate(self) -> f64 {
        self.events as f64 / self.seconds
    }
}
