//! The kinds of metric that [`metrics!`](super::macros) can declare.

use prometheus::core::Collector;
use prometheus::{
    GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};

/// A kind of metric: how it is made from name, help, labels and buckets.
pub(crate) trait Family: Collector + Clone + Sized + 'static {
    /// Makes one.
    fn create(opts: Opts, labels: &[&str], buckets: &[f64]) -> prometheus::Result<Self>;
}

/// Makes a metric and adds it to the registry.
pub(crate) fn register<F: Family>(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
    buckets: &[&[f64]],
) -> prometheus::Result<F> {
    let family = F::create(Opts::new(name, help), labels, &buckets.concat())?;
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}

fn histogram_opts(opts: Opts, buckets: &[f64]) -> HistogramOpts {
    HistogramOpts::from(opts).buckets(buckets.to_vec())
}

impl Family for IntCounter {
    fn create(opts: Opts, _labels: &[&str], _buckets: &[f64]) -> prometheus::Result<Self> {
        Self::with_opts(opts)
    }
}

impl Family for IntCounterVec {
    fn create(opts: Opts, labels: &[&str], _buckets: &[f64]) -> prometheus::Result<Self> {
        Self::new(opts, labels)
    }
}

impl Family for IntGauge {
    fn create(opts: Opts, _labels: &[&str], _buckets: &[f64]) -> prometheus::Result<Self> {
        Self::with_opts(opts)
    }
}

impl Family for IntGaugeVec {
    fn create(opts: Opts, labels: &[&str], _buckets: &[f64]) -> prometheus::Result<Self> {
        Self::new(opts, labels)
    }
}

impl Family for GaugeVec {
    fn create(opts: Opts, labels: &[&str], _buckets: &[f64]) -> prometheus::Result<Self> {
        Self::new(opts, labels)
    }
}

impl Family for Histogram {
    fn create(opts: Opts, _labels: &[&str], buckets: &[f64]) -> prometheus::Result<Self> {
        Self::with_opts(histogram_opts(opts, buckets))
    }
}

impl Family for HistogramVec {
    fn create(opts: Opts, labels: &[&str], buckets: &[f64]) -> prometheus::Result<Self> {
        Self::new(histogram_opts(opts, buckets), labels)
    }
}
