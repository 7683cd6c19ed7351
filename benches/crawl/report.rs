//! The figures beside the bound.

/// Of the rate and of the CPU time of bare verification.
const BOUND: f64 = 0.7;

/// What something took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) events: usize,
    pub(crate) seconds: f64,
    pub(crate) cpu_us: f64,
    /// Cores that others left, on average.
    pub(crate) cores_left: f64,
}

pub(crate) struct Report {
    pub(crate) signatures: Cost,
    /// By the program, until everything was durable.
    pub(crate) durable: Cost,
    /// Until everything was indexed, too.
    pub(crate) indexed: Cost,
    /// CPU time of the relays meanwhile.
    pub(crate) laboratory_us: f64,
}

impl Report {
    pub(crate) fn print(&self) {
        println!(
            "{:<26} {:>9} {:>10} {:>13} {:>11}",
            "", "seconds", "events/s", "CPU µs/event", "cores left"
        );
        let crawls = [
            ("from sockets to the disk", self.durable),
            ("… and to the index", self.indexed),
        ];
        for (name, cost) in [("signatures alone", self.signatures)]
            .iter()
            .chain(&crawls)
        {
            println!(
                "{name:<26} {:>9.1} {:>10.0} {:>13.2} {:>11.2}",
                cost.seconds,
                cost.rate(),
                cost.cpu_us_per_event(),
                cost.cores_left
            );
        }
        let per_event = self.laboratory_us / self.durable.events as f64;
        println!("{:<26} {per_event:>34.2}\n", "the relays");
        println!(
            "{:<26} {:>9} {:>10} {:>13}",
            "of signatures alone", "rate", "of CPU", "a core left"
        );
        for (name, cost) in crawls {
            let alone = self.signatures;
            println!(
                "{name:<26} {:>9.2} {:>10.2} {:>13.2}",
                cost.rate() / alone.rate(),
                alone.cpu_us_per_event() / cost.cpu_us_per_event(),
                (cost.rate() / cost.cores_left) / (alone.rate() / alone.cores_left)
            );
        }
        println!("to reach: {BOUND}");
    }
}

impl Cost {
    /// Of both, one after the other.
    pub(crate) fn and(self, other: Self) -> Self {
        let seconds = self.seconds + other.seconds;
        let core_seconds = |cost: Self| cost.cores_left * cost.seconds;
        Self {
            events: self.events + other.events,
            seconds,
            cpu_us: self.cpu_us + other.cpu_us,
            cores_left: (core_seconds(self) + core_seconds(other)) / seconds,
        }
    }

    fn rate(self) -> f64 {
        self.events as f64 / self.seconds
    }

    fn cpu_us_per_event(self) -> f64 {
        self.cpu_us / self.events as f64
    }
}
