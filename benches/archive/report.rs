//! The figures beside their targets.

use super::bars::{Bar, Bars};
use super::machine;
use super::stations::{Cost, Round};

/// Archiving new events, as a share of what verification alone does.
const NEW_SHARE: f64 = 0.70;
/// Known events, as a multiple of new ones.
const KNOWN_MULTIPLE: f64 = 10.0;

/// All rounds.
#[derive(Default)]
pub(crate) struct Report {
    rounds: Vec<Round>,
}

/// One row of the first table.
struct Station {
    name: &'static str,
    cost: fn(&Round) -> Cost,
}

const STATIONS: [Station; 4] = [
    Station {
        name: "signatures alone",
        cost: |round| round.signatures,
    },
    Station {
        name: "archive new events",
        cost: |round| round.new,
    },
    Station {
        name: "known, looked up",
        cost: |round| round.known,
    },
    Station {
        name: "known, remembered",
        cost: |round| round.remembered,
    },
];

/// The two costs of a round that a ratio compares.
type Pair = fn(&Round) -> [Cost; 2];

impl Report {
    pub(crate) fn add(&mut self, round: Round) {
        self.rounds.push(round);
    }

    pub(crate) fn print(&self) {
        println!(
            "{:<28} {:>10} {:>16} {:>12} {:>12} {:>12}",
            "median of rounds",
            "events/s",
            "lowest–highest",
            "CPU µs/event",
            "writer's",
            "bytes/event"
        );
        for Station { name, cost } in STATIONS {
            let rate = self.spread(|round| cost(round).rate());
            let cpu = self.spread(|round| cost(round).cpu_us / cost(round).events as f64);
            let writer = self.spread(|round| cost(round).writer_us / cost(round).events as f64);
            let written = self.spread(|r| cost(r).written_bytes as f64 / cost(r).events as f64);
            let range = format!("{:.0}–{:.0}", rate.lowest, rate.highest);
            println!(
                "{name:<28} {:>10.0} {range:>16} {:>12.2} {:>12.2} {:>12.0}",
                rate.median, cpu.median, writer.median, written.median
            );
        }
        println!(
            "\n{:<28} {:>10} {:>16} {:>12} {:>12}",
            "ratios", "of rates", "lowest–highest", "of CPU", "target"
        );
        let ratios: [(&str, f64, Pair); 3] = [
            ("new / signatures", NEW_SHARE, |r| [r.new, r.signatures]),
            ("known, looked up / new", KNOWN_MULTIPLE, |r| {
                [r.known, r.new]
            }),
            ("known, remembered / new", KNOWN_MULTIPLE, |r| {
                [r.remembered, r.new]
            }),
        ];
        for (name, target, costs) in ratios {
            let rate = self.spread(|round| {
                let [one, other] = costs(round);
                one.rate() / other.rate()
            });
            let cpu = self.spread(|round| {
                let [one, other] = costs(round);
                other.cpu_us / one.cpu_us
            });
            let range = format!("{:.2}–{:.2}", rate.lowest, rate.highest);
            println!(
                "{name:<28} {:>10.2} {range:>16} {:>12.2} {:>12}",
                rate.median,
                cpu.median,
                format!("≥ {target}")
            );
        }
    }

    pub(crate) fn draw(&self) {
        let signatures = self.spread(|round| round.signatures.rate()).median;
        let new = self.spread(|round| round.new.rate()).median;
        let floor = [
            0.0,
            NEW_SHARE * signatures,
            KNOWN_MULTIPLE * new,
            KNOWN_MULTIPLE * new,
        ];
        let bar = |(station, floor): (Station, f64)| {
            let rate = self.spread(|round| (station.cost)(round).rate()).median;
            Bar {
                label: station.name.to_owned(),
                length: rate,
                text: format!("{:.1} k", rate / 1_000.0),
                is_missed: rate < floor,
            }
        };
        let chart = Bars {
            title: "Events a second",
            footnote: &machine::describe(),
            bars: STATIONS.into_iter().zip(floor).map(bar).collect(),
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
    fn rate(&self) -> f64 {
        self.events as f64 / self.seconds
    }
}
