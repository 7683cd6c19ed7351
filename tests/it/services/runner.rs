//! The runner: cycle after cycle, each recorded and measured, until told to stop or failing too often.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bigbrotr::config::{Schedule, SeedConfig, SeederConfig};
use bigbrotr::lifecycle::Tokens;
use bigbrotr::metrics::Metrics;
use bigbrotr::model::ServiceName;
use bigbrotr::services::runner::{GaveUp, Runner};
use bigbrotr::services::seeder::Seeder;
use bigbrotr::services::{CycleSummary, Service, ServiceError};
use bigbrotr::store::StoreError;
use bigbrotr::store::statistics::CycleRecord;
use fleet::FleetPlan;
use tokio::time::{Instant, timeout};

use super::given::{Given, NOW, wait_until};

const HOUR: Duration = Duration::from_secs(3_600);
/// Less than the shortest pause between two cycles an hour apart, which is ten seconds.
const PROMPTLY: Duration = Duration::from_secs(5);
/// Short enough to see several cycles.
const BLINK: Duration = Duration::from_millis(200);

/// How a cycle of a scripted service goes.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// It succeeds.
    Works,
    /// It finds nothing to do.
    Idles,
    /// It succeeds and more is due already.
    HasMore,
    /// It fails.
    Fails,
    /// Its clean-up fails.
    CleansBadly,
    /// It goes on until it is told to stop.
    Lasts,
}

/// A service that does what its script says, the last step again and again.
struct Scripted {
    schedule: Schedule,
    script: Mutex<VecDeque<Step>>,
    begun: Mutex<Vec<Instant>>,
    /// Whether something is due between two cycles.
    is_due: AtomicBool,
}

impl Scripted {
    fn new(interval: Duration, max_consecutive_failures: u32, script: &[Step]) -> Arc<Self> {
        Arc::new(Self {
            schedule: Schedule {
                interval,
                max_consecutive_failures,
            },
            script: Mutex::new(script.iter().copied().collect()),
            begun: Mutex::default(),
            is_due: AtomicBool::new(false),
        })
    }

    /// When its cycles began.
    fn begun(&self) -> Vec<Instant> {
        self.begun.lock().unwrap().clone()
    }

    fn step(&self) -> Step {
        let mut script = self.script.lock().unwrap();
        let step = *script.front().expect("a script has a step");
        if script.len() > 1 {
            script.pop_front();
        }
        step
    }
}

fn failure() -> ServiceError {
    ServiceError::Store(StoreError::Failed {
        operation: "scripted",
        source: "as the script says".into(),
    })
}

#[async_trait]
impl Service for Scripted {
    fn name(&self) -> ServiceName {
        ServiceName::Finder
    }

    fn schedule(&self) -> Schedule {
        self.schedule
    }

    async fn has_due(&self) -> Result<bool, ServiceError> {
        Ok(self.is_due.load(Ordering::SeqCst))
    }

    async fn cleanup(&self) -> Result<u64, ServiceError> {
        self.begun.lock().unwrap().push(Instant::now());
        let is_bad = matches!(self.script.lock().unwrap()[0], Step::CleansBadly);
        if is_bad { Err(failure()) } else { Ok(3) }
    }

    async fn cycle(&self, tokens: &Tokens) -> Result<CycleSummary, ServiceError> {
        let summary = CycleSummary::new().with("rows_seen", 12);
        match self.step() {
            Step::Works => Ok(summary),
            Step::Idles => Ok(CycleSummary::new().with("rows_seen", 0)),
            Step::HasMore => Ok(summary.and_more_to_do(true)),
            Step::Fails => Err(failure()),
            Step::CleansBadly => panic!("a cycle after a clean-up that failed"),
            Step::Lasts => {
                tokens.soft_stop().await;
                Ok(summary)
            }
        }
    }
}

/// What runs a service, and everything around it.
struct Run {
    given: Given,
    metrics: Metrics,
    tokens: Tokens,
    runner: Runner,
}

async fn run(service: Arc<dyn Service>) -> Run {
    let given = Given::start(FleetPlan::new(1)).await;
    run_in(given, service)
}

fn run_in(given: Given, service: Arc<dyn Service>) -> Run {
    let (metrics, tokens) = (Metrics::new(), Tokens::new());
    let runner = Runner::new(service, &given.context, &metrics.service, tokens.clone());
    Run {
        given,
        metrics,
        tokens,
        runner,
    }
}

impl Run {
    async fn cycles(&self) -> Vec<CycleRecord> {
        let store = self.given.store();
        store.cycles(ServiceName::Finder, 100).await.unwrap()
    }

    /// Runs for ever, which must not take long.
    async fn run_forever(&self) -> Result<(), GaveUp> {
        let ran = timeout(PROMPTLY, self.runner.run_forever()).await;
        ran.expect("it goes on for ever")
    }

    /// Runs for ever and stops once the service has begun so many cycles.
    async fn stop_after(&self, service: &Scripted, cycles: usize) {
        let stop = async {
            wait_until("the cycles begin", async || service.begun().len() >= cycles).await;
            self.tokens.stop();
        };
        let (ran, ()) = tokio::join!(self.run_forever(), stop);
        ran.unwrap();
    }

    fn assert_exposed(&self, lines: &[&str]) {
        let text = self.metrics.exposition();
        for line in lines {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}

#[tokio::test]
async fn a_cycle_is_recorded_and_measured() {
    let run = run(Scripted::new(HOUR, 5, &[Step::Works])).await;
    let summary = run.runner.run_once().await.unwrap();
    assert_eq!(summary.count("rows_seen"), 12);
    let cycles = run.cycles().await;
    let [cycle] = cycles.as_slice() else {
        panic!("{cycles:?}");
    };
    assert_eq!(
        (cycle.service, cycle.started_at),
        (ServiceName::Finder, NOW)
    );
    assert!(cycle.is_success);
    assert_eq!(cycle.summary, "12 rows seen");
    run.assert_exposed(&[
        r#"service_info{service="finder",version=""#,
        r#"service_gauge{name="rows_seen",service="finder"} 12"#,
        r#"service_gauge{name="consecutive_failures",service="finder"} 0"#,
        &format!(r#"service_gauge{{name="last_cycle_timestamp",service="finder"}} {NOW}"#),
        r#"service_counter_total{name="cycles_success",service="finder"} 1"#,
        r#"service_counter_total{name="total_rows_seen",service="finder"} 12"#,
        r#"cycle_duration_seconds_count{service="finder"} 1"#,
    ]);
    run.runner.run_once().await.unwrap();
    run.assert_exposed(&[
        r#"service_gauge{name="rows_seen",service="finder"} 12"#,
        r#"service_counter_total{name="total_rows_seen",service="finder"} 24"#,
        r#"cycle_duration_seconds_count{service="finder"} 2"#,
    ]);
}

#[tokio::test]
async fn a_failed_cycle_is_recorded_with_its_reason() {
    for step in [Step::Fails, Step::CleansBadly] {
        let run = run(Scripted::new(HOUR, 5, &[step])).await;
        assert!(run.runner.run_once().await.is_err());
        let cycles = run.cycles().await;
        assert!(!cycles[0].is_success, "{step:?}");
        assert_eq!(cycles[0].summary, "failed");
        run.assert_exposed(&[
            r#"service_counter_total{name="cycles_failed",service="finder"} 1"#,
            r#"service_counter_total{name="errors_failed",service="finder"} 1"#,
            r#"service_gauge{name="consecutive_failures",service="finder"} 1"#,
        ]);
        // Only cycles that worked have a duration.
        run.assert_exposed(&[r#"cycle_duration_seconds_count{service="finder"} 0"#]);
    }
}

#[tokio::test]
async fn a_store_that_takes_no_record_fails_no_cycle() {
    let run = run(Scripted::new(HOUR, 5, &[Step::Works])).await;
    run.given.sql("DROP TABLE cycle").await;
    run.runner.run_once().await.unwrap();
    run.assert_exposed(&[r#"service_counter_total{name="cycles_success",service="finder"} 1"#]);
}

#[tokio::test]
async fn a_service_gives_up_after_too_many_failures_in_a_row() {
    // The success between them starts the count anew.
    let script = [Step::Fails, Step::Fails, Step::Works, Step::Fails];
    let service = Scripted::new(Duration::from_millis(10), 3, &script);
    let run = run(service.clone()).await;
    let gave_up = run.run_forever().await.unwrap_err();
    assert_eq!(
        (gave_up.service, gave_up.failures),
        (ServiceName::Finder, 3)
    );
    assert_eq!(gave_up.to_string(), "finder gave up after 3 failed cycles");
    assert!(gave_up.source().is_some());
    assert_eq!(service.begun().len(), 6);
    run.assert_exposed(&[r#"service_gauge{name="consecutive_failures",service="finder"} 3"#]);
}

#[tokio::test]
async fn zero_means_never_to_give_up() {
    let service = Scripted::new(Duration::from_millis(1), 0, &[Step::Fails]);
    let run = run(service.clone()).await;
    run.stop_after(&service, 12).await;
}

#[tokio::test]
async fn cycles_begin_at_the_rate_that_was_asked_for() {
    let service = Scripted::new(BLINK, 5, &[Step::Works]);
    let run = run(service.clone()).await;
    run.stop_after(&service, 4).await;
    let begun = service.begun();
    let apart = begun.windows(2).map(|two| two[1] - two[0]);
    // Spread by a fifth, so that services do not march in step.
    assert!(apart.min() >= Some(BLINK * 4 / 5), "{begun:?}");
}

#[tokio::test]
async fn a_cycle_that_has_more_to_do_is_followed_at_once() {
    let script = [Step::HasMore, Step::HasMore, Step::Works];
    let service = Scripted::new(HOUR, 5, &script);
    let run = run(service.clone()).await;
    run.stop_after(&service, 3).await;
    assert_eq!(service.begun().len(), 3);
}

#[tokio::test]
async fn what_becomes_due_while_nothing_is_to_do_does_not_wait_for_the_interval() {
    let service = Scripted::new(HOUR, 5, &[Step::Idles]);
    service.is_due.store(true, Ordering::SeqCst);
    let run = run(service.clone()).await;
    run.stop_after(&service, 2).await;
}

#[tokio::test]
async fn a_soft_stop_ends_a_cycle_a_pause_and_a_pause_after_a_failure() {
    for step in [Step::Lasts, Step::Works, Step::Fails] {
        let service = Scripted::new(HOUR, 5, &[step]);
        let run = run(service.clone()).await;
        run.stop_after(&service, 1).await;
        assert_eq!(service.begun().len(), 1, "{step:?}");
        assert_eq!(run.cycles().await.len(), 1, "what was begun is recorded");
    }
}

#[tokio::test]
async fn a_service_that_is_stopped_before_it_starts_does_nothing() {
    let service = Scripted::new(HOUR, 5, &[Step::Works]);
    let run = run(service.clone()).await;
    run.tokens.stop();
    run.run_forever().await.unwrap();
    assert!(service.begun().is_empty());
}

#[tokio::test]
async fn who_gives_up_tells_the_operator_what_to_mend_and_nobody_else() {
    let given = Given::start(FleetPlan::new(1)).await;
    let path = given.path("nowhere.txt");
    let config = SeederConfig {
        interval: Duration::from_millis(10),
        max_consecutive_failures: 2,
        seed: SeedConfig {
            file_path: Some(path.clone()),
            to_validate: true,
        },
    };
    let seeder = Seeder::new(given.context.clone(), config, "");
    let run = run_in(given, Arc::new(seeder));
    let gave_up = run.run_forever().await.unwrap_err();
    assert!(gave_up.last.to_string().contains(path.to_str().unwrap()));
    run.assert_exposed(&[r#"service_counter_total{name="errors_file",service="seeder"} 2"#]);
    let cycles = run.given.store().cycles(ServiceName::Seeder, 10);
    let cycles = cycles.await.unwrap();
    assert_eq!(cycles[0].summary, "file", "the page shows it to everybody");
}
