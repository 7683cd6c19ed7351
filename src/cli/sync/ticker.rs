//! How far an errand is: a line that changes on a terminal, lines that are added elsewhere.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use nips::Filter;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::cli::output;
use crate::http::moment::{date, grouped};
use crate::model::Relay;
use crate::services::synchronizer::Progress;
use crate::store::Store;
use crate::store::coverage::FilterId;

/// How often a line on a terminal changes.
const ON_TERMINAL: Duration = Duration::from_millis(500);

/// How often a line is added to a log or a pipe.
const ELSEWHERE: Duration = Duration::from_secs(5);

/// What shows progress of several errands at once.
pub(super) struct Ticker {
    lines: Option<MultiProgress>,
}

/// A count at a moment, so that the next one tells the speed.
struct Mark {
    at: Instant,
    events: u64,
}

impl Ticker {
    /// Lines on the terminal, if there is one.
    pub(super) fn new() -> Self {
        Self {
            lines: output::is_terminal().then(MultiProgress::new),
        }
    }

    /// Says something once.
    pub(super) fn tell(&self, text: &str) {
        match &self.lines {
            // What a terminal cannot show is no reason to fail.
            Some(lines) => drop(lines.println(text)),
            None => eprintln!("{text}"),
        }
    }

    /// Shows how far `work` is until it ends.
    pub(super) async fn watch<T>(
        &self,
        store: &Arc<dyn Store>,
        relay: &Relay,
        filters: &[Filter],
        progress: watch::Receiver<Progress>,
        work: impl Future<Output = T>,
    ) -> T {
        let line = self.lines.as_ref().map(|lines| lines.add(spinner(relay)));
        let every = if line.is_some() {
            ON_TERMINAL
        } else {
            ELSEWHERE
        };
        let mut mark = Mark {
            at: Instant::now(),
            events: 0,
        };
        tokio::pin!(work);
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                () = tokio::time::sleep(every) => {}
            }
            let gaps = gaps(&**store, relay, filters).await;
            let text = mark.describe(&progress.borrow(), gaps);
            match &line {
                Some(line) => line.set_message(text),
                None => eprintln!("{}  {text}", relay.url),
            }
        };
        if let Some(line) = line {
            line.finish_and_clear();
        }
        done
    }
}

impl Mark {
    /// E.g. `paging 2024-05-01 to 2026-11-25, 1,200 events/s, 34,000 new, 120 known, 1 gaps`.
    fn describe(&mut self, progress: &Progress, gaps: u64) -> String {
        let events = progress.new + progress.known + progress.refused;
        let seconds = self.at.elapsed().as_secs_f64().max(0.001);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a speed for people, never negative"
        )]
        let speed = (events.saturating_sub(self.events) as f64 / seconds) as u64;
        *self = Self {
            at: Instant::now(),
            events,
        };
        let window = match (progress.method, progress.window) {
            (Some(method), Some((from, until))) => {
                format!("{} {} to {}", method.as_str(), date(from), date(until))
            }
            _ => "connecting".to_owned(),
        };
        format!(
            "{window}, {} events/s, {} new, {} known, {} gaps",
            grouped(speed),
            grouped(progress.new),
            grouped(progress.known),
            grouped(gaps)
        )
    }
}

/// How many gaps are on record; progress is not worth failing for.
async fn gaps(store: &dyn Store, relay: &Relay, filters: &[Filter]) -> u64 {
    let mut gaps = 0;
    for filter in filters {
        let found = store.gaps(relay.id, FilterId::of(filter)).await;
        gaps += found.unwrap_or_default().len() as u64;
    }
    gaps
}

fn spinner(relay: &Relay) -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    let template = "  {spinner} {prefix}  {elapsed}  {msg}";
    spinner.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
    spinner.set_prefix(relay.url.to_string());
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}
