//! Every metric by name, so that the reference is written from the code, and rules and dashboards are checked
//! against it.

use super::{
    GatheredMetrics, PublicationMetrics, RelayMetrics, ServiceMetrics, StoreMetrics, TailMetrics,
    ValidationMetrics,
};

/// What is said about a metric where it is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    /// Its name, e.g. `bigbrotr_events`.
    pub name: &'static str,
    /// The Rust type it is declared with.
    pub(super) declared: &'static str,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    /// The lines of its help text.
    pub(super) help: &'static [&'static str],
}

impl Described {
    /// `counter`, `gauge` or `histogram`.
    pub fn kind(&self) -> &'static str {
        let kinds = ["counter", "histogram"];
        let is_declared = |kind: &&str| self.declared.to_lowercase().contains(*kind);
        kinds.into_iter().find(is_declared).unwrap_or("gauge")
    }

    /// The help text in one line.
    pub fn help(&self) -> String {
        let lines: Vec<&str> = self.help.iter().map(|line| line.trim()).collect();
        lines.join(" ")
    }
}

/// All metrics of this program, those of a layer together.
pub fn catalogue() -> Vec<Described> {
    let layers = [
        ServiceMetrics::described(),
        GatheredMetrics::DESCRIBED,
        RelayMetrics::DESCRIBED,
        StoreMetrics::DESCRIBED,
        TailMetrics::DESCRIBED,
        PublicationMetrics::DESCRIBED,
        ValidationMetrics::DESCRIBED,
    ];
    layers.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    #[test]
    fn a_metric_is_described_as_it_is_exposed() {
        let metrics = Metrics::new();
        metrics.gathered.sightings.inc();
        let text = metrics.exposition();
        let all = catalogue();
        let sightings = all.iter().find(|it| it.name == "bigbrotr_sightings_total");
        let sightings = sightings.unwrap();
        assert_eq!(sightings.kind(), "counter");
        assert!(sightings.labels.is_empty());
        for line in [
            format!("# HELP {} {}", sightings.name, sightings.help()),
            format!("# TYPE {} {}", sightings.name, sightings.kind()),
        ] {
            assert!(text.contains(&line), "{line}\n{text}");
        }
    }
}
