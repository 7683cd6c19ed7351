//! Runs a service: cycle after cycle, at a fixed rate, until it is told to stop or fails too often.
//!
//! A cycle begins when the interval since the beginning of the last one has passed, or earlier when
//! something is due. What a cycle did is logged, measured and recorded in the store.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{Instrument, debug, error, info, info_span, warn};

use crate::clock::Clock;
use crate::lifecycle::Tokens;
use crate::metrics::{ServiceMeter, ServiceMetrics};
use crate::model::ServiceName;
use crate::store::StatisticsStore;
use crate::store::statistics::CycleRecord;

use super::backoff::{Backoff, spread};
use super::{Context, CycleSummary, Service, ServiceError};

/// How often a waiting service looks whether something is due.
const POLL: Duration = Duration::from_secs(2);

/// The least time between the beginnings of two cycles, unless the interval is shorter or the first of
/// them was idle: what becomes due meanwhile is done together.
const MIN_PAUSE: Duration = Duration::from_secs(10);

/// The pause after failed cycles: what failed is seldom better a moment later.
const AFTER_FAILURE: Backoff = Backoff {
    base: Duration::from_secs(2),
    max: Duration::from_secs(60),
};

/// A service that failed too often in a row.
#[derive(Debug, thiserror::Error)]
#[error("{service} gave up after {failures} failed cycles")]
pub struct GaveUp {
    /// Which one.
    pub service: ServiceName,
    /// Failed cycles in a row.
    pub failures: u32,
    /// Why the last one failed.
    #[source]
    pub last: ServiceError,
}

/// What runs one service.
pub struct Runner {
    service: Arc<dyn Service>,
    statistics: Arc<dyn StatisticsStore>,
    clock: Arc<dyn Clock>,
    meter: ServiceMeter,
    tokens: Tokens,
}

impl Runner {
    /// A runner of the service, which from now on is expected to succeed at its rate, and stops when the
    /// tokens say so.
    pub fn new(
        service: Arc<dyn Service>,
        context: &Context,
        metrics: &ServiceMetrics,
        tokens: Tokens,
    ) -> Self {
        let interval = Some(service.schedule().interval);
        Self {
            meter: metrics.meter(service.name(), interval, context.clock.now()),
            statistics: context.store.clone(),
            clock: Arc::clone(&context.clock),
            service,
            tokens,
        }
    }

    /// Runs one cycle.
    ///
    /// # Errors
    /// [`ServiceError`] of the cycle.
    pub async fn run_once(&self) -> Result<CycleSummary, ServiceError> {
        let started_at = self.clock.now();
        let started = Instant::now();
        let span = info_span!("cycle", service = %self.service.name(), cycle.id = started_at);
        let result = self.cycle().instrument(span.clone()).await;
        let duration = started.elapsed();
        span.in_scope(|| self.report(&result, duration));
        self.record(started_at, duration, &result).await;
        result
    }

    /// Runs cycles until the soft token is cancelled.
    ///
    /// # Errors
    /// [`GaveUp`] when too many cycles failed in a row.
    pub async fn run_forever(&self) -> Result<(), GaveUp> {
        let schedule = self.service.schedule();
        let mut failures = 0;
        info!(service = %self.service.name(), "service_started");
        while !self.tokens.is_stopping() {
            let started = Instant::now();
            match self.run_once().await {
                Ok(summary) => {
                    failures = 0;
                    let interval = spread(schedule.interval, rand::random());
                    let pause = if summary.is_idle() { POLL } else { MIN_PAUSE };
                    if !summary.has_more {
                        self.wait(started, interval, pause).await;
                    }
                }
                Err(last) => {
                    failures += 1;
                    let limit = schedule.max_consecutive_failures;
                    if limit > 0 && failures >= limit {
                        return Err(self.give_up(failures, last));
                    }
                    let pause = AFTER_FAILURE.delay(failures, rand::random());
                    self.wait_until(Instant::now() + pause.min(schedule.interval))
                        .await;
                }
            }
        }
        info!(service = %self.service.name(), "service_stopped");
        Ok(())
    }

    async fn cycle(&self) -> Result<CycleSummary, ServiceError> {
        debug!("cycle_started");
        let removed = self.service.cleanup().await?;
        if removed > 0 {
            info!(count = removed, "cleanup_completed");
        }
        self.service.cycle(&self.tokens).await
    }

    fn report(&self, result: &Result<CycleSummary, ServiceError>, duration: Duration) {
        let duration_ms = millis(duration);
        match result {
            Ok(summary) => {
                for (name, count) in &summary.counts {
                    self.meter.gauge(name, *count);
                    self.meter.count(&format!("total_{name}"), *count);
                }
                self.meter.cycle_succeeded(duration, self.clock.now());
                info!(duration_ms, %summary, "cycle_completed");
            }
            Err(failure) => {
                self.meter.cycle_failed(failure.reason());
                let error = failure as &dyn std::error::Error;
                error!(
                    duration_ms,
                    reason = failure.reason(),
                    error,
                    "run_cycle_error"
                );
            }
        }
    }

    async fn record(
        &self,
        started_at: u64,
        duration: Duration,
        result: &Result<CycleSummary, ServiceError>,
    ) {
        let record = CycleRecord {
            service: self.service.name(),
            started_at,
            duration_ms: millis(duration),
            is_success: result.is_ok(),
            summary: match result {
                Ok(summary) => summary.to_string(),
                // The page shows records to everybody; paths are for the log.
                Err(failure) => failure.reason().to_owned(),
            },
        };
        if let Err(failure) = self.statistics.add_cycle(&record).await {
            let service = self.service.name();
            warn!(service = %service, reason = failure.reason(), "cycle_record_failed");
        }
    }

    fn give_up(&self, failures: u32, last: ServiceError) -> GaveUp {
        let service = self.service.name();
        error!(service = %service, failures, "max_consecutive_failures_reached");
        GaveUp {
            service,
            failures,
            last,
        }
    }

    /// Waits until the interval has passed, or something is due after the pause.
    async fn wait(&self, started: Instant, interval: Duration, pause: Duration) {
        let at_the_latest = started + interval;
        self.wait_until(started + interval.min(pause)).await;
        while Instant::now() < at_the_latest && !self.tokens.is_stopping() {
            match self.service.has_due().await {
                Ok(true) => return,
                Ok(false) => {}
                // The cycle will meet the same failure, and count it.
                Err(failure) => debug!(reason = failure.reason(), "due_query_failed"),
            }
            self.wait_until(at_the_latest.min(Instant::now() + POLL))
                .await;
        }
    }

    async fn wait_until(&self, moment: Instant) {
        tokio::select! {
            () = tokio::time::sleep_until(moment) => {}
            () = self.tokens.soft_stop() => {}
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
