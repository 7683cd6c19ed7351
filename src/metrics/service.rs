//! The four families that every service has, under the names of the first BigBrotr, and whether each
//! service still succeeds as often as it should.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::{GaugeVec, HistogramVec, IntCounterVec, IntGaugeVec, Registry};

use super::{Described, metrics};
use crate::model::ServiceName;

/// Cycles take seconds in a laboratory and hours on the network.
const CYCLE_BUCKETS: [f64; 10] = [
    1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0,
];

/// A service is stale when it has not succeeded for this many intervals …
const STALE_INTERVALS: u64 = 3;

/// … and for this long: a first pass over a whole network takes its time.
const STALE_AFTER: Duration = Duration::from_secs(6 * 3_600);

metrics! {
    /// The families.
    struct Families {
        /// A service of this process and its version.
        info: IntGaugeVec = "service_info", ["service", "version"];
        /// A value of a service, by name.
        gauge: GaugeVec = "service_gauge", ["service", "name"];
        /// A total of a service, by name.
        counter: IntCounterVec = "service_counter_total", ["service", "name"];
        /// Time of one successful cycle, seconds.
        cycle_duration: HistogramVec = "cycle_duration_seconds", ["service"], CYCLE_BUCKETS;
    }
}

/// The families and the board of successes. Clones share everything.
#[derive(Debug, Clone)]
pub struct ServiceMetrics {
    families: Families,
    board: Arc<Mutex<BTreeMap<ServiceName, Standing>>>,
}

/// When a service last did what it should.
#[derive(Debug, Clone, Default)]
struct Standing {
    interval_s: u64,
    started_at: u64,
    last_success_at: Option<u64>,
    consecutive_failures: u32,
}

/// Whether the services of this process work, for a health check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// Services that do not; empty when all do.
    pub stale: Vec<Staleness>,
}

/// A service that has not succeeded for too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staleness {
    /// The service.
    pub service: ServiceName,
    /// Seconds since its last success, or since it started.
    pub seconds: u64,
    /// How often it should succeed, seconds.
    pub interval_s: u64,
    /// Failed cycles in a row.
    pub consecutive_failures: u32,
}

impl ServiceMetrics {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        Ok(Self {
            families: Families::register(registry)?,
            board: Arc::default(),
        })
    }

    /// What is said about the families.
    pub(super) fn described() -> &'static [Described] {
        Families::DESCRIBED
    }

    /// The handle of one service, which is expected to succeed every `interval` from `now` (unix
    /// seconds) on; `None` for one without cycles.
    pub fn meter(
        &self,
        service: ServiceName,
        interval: Option<Duration>,
        now: u64,
    ) -> ServiceMeter {
        let version = env!("CARGO_PKG_VERSION");
        let info = self
            .families
            .info
            .with_label_values(&[service.as_str(), version]);
        info.set(1);
        let meter = ServiceMeter {
            metrics: self.clone(),
            service,
        };
        if let Some(interval) = interval {
            meter.begin(interval);
            let standing = Standing {
                interval_s: interval.as_secs().max(1),
                started_at: now,
                ..Standing::default()
            };
            self.board(|board| board.insert(service, standing));
        }
        meter
    }

    /// Which services have not succeeded for too long at `now` unix seconds.
    pub fn readiness(&self, now: u64) -> Readiness {
        let stale = self.board(|board| {
            let entries = board.iter();
            entries
                .filter_map(|(service, standing)| standing.staleness(*service, now))
                .collect()
        });
        Readiness { stale }
    }

    fn board<T>(&self, look: impl FnOnce(&mut BTreeMap<ServiceName, Standing>) -> T) -> T {
        look(&mut self.board.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Standing {
    fn staleness(&self, service: ServiceName, now: u64) -> Option<Staleness> {
        let since = self.last_success_at.unwrap_or(self.started_at);
        let seconds = now.saturating_sub(since);
        let patience = (self.interval_s * STALE_INTERVALS).max(STALE_AFTER.as_secs());
        (seconds > patience).then_some(Staleness {
            service,
            seconds,
            interval_s: self.interval_s,
            consecutive_failures: self.consecutive_failures,
        })
    }
}

/// What one service counts with.
#[derive(Debug, Clone)]
pub struct ServiceMeter {
    metrics: ServiceMetrics,
    service: ServiceName,
}

impl ServiceMeter {
    /// Makes every family say something of the service before its first cycle ends, so that an alert on
    /// what does not rise has something to look at.
    fn begin(&self, interval: Duration) {
        self.count("cycles_success", 0);
        self.count("cycles_failed", 0);
        self.gauge("interval", interval.as_secs().max(1));
        self.gauge("consecutive_failures", 0);
        let histogram = &self.metrics.families.cycle_duration;
        histogram.with_label_values(&[self.service.as_str()]);
    }

    /// Sets a gauge of the service.
    #[expect(
        clippy::cast_precision_loss,
        reason = "gauges are floats, counts stay below 2^53"
    )]
    pub fn gauge(&self, name: &str, value: u64) {
        let labels = [self.service.as_str(), name];
        self.metrics
            .families
            .gauge
            .with_label_values(&labels)
            .set(value as f64);
    }

    /// Adds to a counter of the service.
    pub fn count(&self, name: &str, amount: u64) {
        let labels = [self.service.as_str(), name];
        self.metrics
            .families
            .counter
            .with_label_values(&labels)
            .inc_by(amount);
    }

    /// Records a cycle that succeeded, ending at `now` unix seconds.
    pub fn cycle_succeeded(&self, duration: Duration, now: u64) {
        self.count("cycles_success", 1);
        self.gauge("consecutive_failures", 0);
        self.gauge("last_cycle_timestamp", now);
        let histogram = &self.metrics.families.cycle_duration;
        histogram
            .with_label_values(&[self.service.as_str()])
            .observe(duration.as_secs_f64());
        self.standing(|standing| {
            standing.last_success_at = Some(now);
            standing.consecutive_failures = 0;
        });
    }

    /// Records a cycle that failed; `reason` is the error's stable label.
    pub fn cycle_failed(&self, reason: &'static str) {
        self.count("cycles_failed", 1);
        self.count(&format!("errors_{reason}"), 1);
        let failures = self.standing(|standing| {
            standing.consecutive_failures += 1;
            standing.consecutive_failures
        });
        self.gauge("consecutive_failures", failures.unwrap_or(1).into());
    }

    fn standing<T>(&self, change: impl FnOnce(&mut Standing) -> T) -> Option<T> {
        self.metrics
            .board(|board| board.get_mut(&self.service).map(change))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn the_families_have_the_names_that_dashboards_know() {
        let metrics = Metrics::new();
        let meter = metrics.service.meter(ServiceName::Finder, Some(DAY), 100);
        meter.gauge("relays_found", 7);
        meter.count("total_relays_found", 7);
        meter.cycle_failed("unavailable");
        meter.cycle_succeeded(Duration::from_millis(2_500), 200);
        let text = metrics.exposition();
        for line in [
            "# HELP service_info A service of this process and its version.",
            concat!(
                "service_info{service=\"finder\",version=\"",
                env!("CARGO_PKG_VERSION"),
                "\"} 1"
            ),
            r#"service_gauge{name="relays_found",service="finder"} 7"#,
            r#"service_gauge{name="consecutive_failures",service="finder"} 0"#,
            r#"service_gauge{name="interval",service="finder"} 86400"#,
            r#"service_gauge{name="last_cycle_timestamp",service="finder"} 200"#,
            r#"service_counter_total{name="cycles_success",service="finder"} 1"#,
            r#"service_counter_total{name="errors_unavailable",service="finder"} 1"#,
            r#"cycle_duration_seconds_bucket{service="finder",le="5"} 1"#,
            r#"cycle_duration_seconds_bucket{service="finder",le="3600"} 1"#,
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert!(text.contains("process_resident_memory_bytes"));
    }

    #[test]
    fn a_service_is_stale_after_three_intervals_without_success() {
        let metrics = Metrics::new();
        let meter = metrics
            .service
            .meter(ServiceName::Monitor, Some(DAY), 1_000);
        let three_days = 3 * DAY.as_secs();
        assert!(
            metrics
                .service
                .readiness(1_000 + three_days)
                .stale
                .is_empty()
        );
        meter.cycle_failed("full");
        let late = metrics.service.readiness(1_001 + three_days).stale;
        assert_eq!(late[0].service, ServiceName::Monitor);
        assert_eq!(late[0].consecutive_failures, 1);
        meter.cycle_succeeded(Duration::ZERO, 1_001 + three_days);
        assert!(
            metrics
                .service
                .readiness(1_001 + three_days)
                .stale
                .is_empty()
        );
    }
}
