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
use crate::model::ServiceName;
use crate::store::StatisticsStore;
use crate::store::statistics::CycleRecord;

use super::backoff::{Backoff, spread};
use super::{CycleSummary, Service, ServiceError};

/// How often a waiting service looks whether something is due.
const POLL: Duration = Duration::from_secs(2);

/// The least time between the beginnings of two cycles, unless the interval is shorter: what becomes
/// due meanwhile is done together.
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

/// What runs services.
pub struct Runner {
    statistics: Arc<dyn StatisticsStore>,
    clock: Arc<dyn Clock>,
    tokens: Tokens,
}

impl Runner {
    /// A runner that stops when the tokens say so.
    pub fn new(
        statistics: Arc<dyn StatisticsStore>,
        clock: Arc<dyn Clock>,
        tokens: Tokens,
    ) -> Self {
        Self {
            statistics,
            clock,
            tokens,
        }
    }

    /// Runs one cycle.
    ///
    /// # Errors
    /// [`ServiceError`] of the cycle.
    pub async fn run_once(&self, service: &dyn Service) -> Result<CycleSummary, ServiceError> {
        let started_at = self.clock.now();
        let started = Instant::now();
        let span = info_span!("cycle", service = %service.name(), cycle.id = started_at);
        let result = self.cycle(service).instrument(span.clone()).await;
        let duration = started.elapsed();
        span.in_scope(|| report(service.name(), &result, duration));
        self.record(service.name(), started_at, duration, &result)
            .await;
        result
    }

    /// Runs cycles until the soft token is cancelled.
    ///
    /// # Errors
    /// [`GaveUp`] when too many cycles failed in a row.
    pub async fn run_forever(&self, service: &dyn Service) -> Result<(), GaveUp> {
        let schedule = service.schedule();
        let mut failures = 0;
        info!(service = %service.name(), "service_started");
        while !self.tokens.is_stopping() {
            let started = Instant::now();
            let wait = match self.run_once(service).await {
                Ok(summary) if summary.has_more => Duration::ZERO,
                Ok(_) => spread(schedule.interval, rand::random()),
                Err(last) => {
                    failures += 1;
                    let limit = schedule.max_consecutive_failures;
                    if limit > 0 && failures >= limit {
                        return Err(give_up(service.name(), failures, last));
                    }
                    let pause = AFTER_FAILURE.delay(failures, rand::random());
                    self.wait_until(Instant::now() + pause.min(schedule.interval))
                        .await;
                    continue;
                }
            };
            failures = 0;
            self.wait(service, started, wait).await;
        }
        info!(service = %service.name(), "service_stopped");
        Ok(())
    }

    async fn cycle(&self, service: &dyn Service) -> Result<CycleSummary, ServiceError> {
        debug!("cycle_started");
        let removed = service.cleanup().await?;
        if removed > 0 {
            info!(count = removed, "cleanup_completed");
        }
        service.cycle(&self.tokens).await
    }

    async fn record(
        &self,
        service: ServiceName,
        started_at: u64,
        duration: Duration,
        result: &Result<CycleSummary, ServiceError>,
    ) {
        let record = CycleRecord {
            service,
            started_at,
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            is_success: result.is_ok(),
            summary: match result {
                Ok(summary) => summary.to_string(),
                Err(failure) => failure.to_string(),
            },
        };
        if let Err(failure) = self.statistics.add_cycle(&record).await {
            warn!(service = %service, reason = failure.reason(), "cycle_record_failed");
        }
    }

    async fn wait(&self, service: &dyn Service, started: Instant, wait: Duration) {
        let at_the_latest = started + wait;
        let at_the_earliest = started + wait.min(MIN_PAUSE);
        self.wait_until(at_the_earliest).await;
        while Instant::now() < at_the_latest && !self.tokens.is_stopping() {
            match service.has_due().await {
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

fn report(service: ServiceName, result: &Result<CycleSummary, ServiceError>, duration: Duration) {
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    match result {
        Ok(summary) => info!(service = %service, duration_ms, %summary, "cycle_completed"),
        Err(failure) => error!(
            service = %service,
            duration_ms,
            reason = failure.reason(),
            error = failure as &dyn std::error::Error,
            "run_cycle_error"
        ),
    }
}

fn give_up(service: ServiceName, failures: u32, last: ServiceError) -> GaveUp {
    error!(service = %service, failures, "max_consecutive_failures_reached");
    GaveUp {
        service,
        failures,
        last,
    }
}
