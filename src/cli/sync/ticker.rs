//! How far an errand is: a line that changes on a terminal, lines that are added elsewhere.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use nips::RelayUrl;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::cli::output;
use crate::http::moment::{date, grouped};
use crate::services::synchronizer::Progress;

/// How often a line on a terminal changes.
const ON_TERMINAL: Duration = Duration::from_millis(500);

/// How often a line is added to a log or a pipe.
const ELSEWHERE: Duration = Duration::from_secs(5);

/// What shows progress of several errands at once.
pub(super) struct Ticker {
    lines: Option<MultiProgress>,
    every: Duration,
}

/// A count at a moment, so that the next one tells the speed.
struct Mark {
    at: Instant,
    events: u64,
}

impl Ticker {
    /// Lines on the terminal, if there is one.
    pub(super) fn new() -> Self {
        let lines = output::is_terminal().then(MultiProgress::new);
        Self {
            every: lines.as_ref().map_or(ELSEWHERE, |_| ON_TERMINAL),
            lines,
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

    /// Shows how far `work` with a relay is until it ends. It goes on while its gaps are counted: it may be what that
    /// waits for.
    pub(super) async fn watch<T>(
        &self,
        relay: &RelayUrl,
        gaps: impl AsyncFn() -> u64,
        progress: watch::Receiver<Progress>,
        work: impl Future<Output = T>,
    ) -> T {
        let line = self.lines.as_ref().map(|lines| lines.add(spinner(relay)));
        let mut mark = Mark {
            at: Instant::now(),
            events: 0,
        };
        let mut work = pin!(work);
        let done = loop {
            let next = async {
                tokio::time::sleep(self.every).await;
                gaps().await
            };
            let gaps = tokio::select! {
                done = &mut work => break done,
                gaps = next => gaps,
            };
            let text = mark.describe(&progress.borrow(), gaps);
            match &line {
                Some(line) => line.set_message(text),
                None => eprintln!("{relay}  {text}"),
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

fn spinner(relay: &RelayUrl) -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    let template = "  {spinner} {prefix}  {elapsed}  {msg}";
    spinner.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
    spinner.set_prefix(relay.to_string());
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn work_goes_on_while_its_gaps_are_counted() {
        let relay = RelayUrl::parse("wss://relay.example.com").unwrap();
        let (_sender, progress) = watch::channel(Progress::default());
        let (asked, counted) = (Notify::new(), Notify::new());
        // As with a few connections to a database: what has one must go on before the other gets it.
        let gaps = async || {
            asked.notify_one();
            counted.notified().await;
            0
        };
        let work = async {
            asked.notified().await;
            counted.notify_one();
            7
        };
        let ticker = Ticker {
            lines: None,
            every: Duration::from_millis(1),
        };
        let watched = ticker.watch(&relay, gaps, progress, work);
        let done = tokio::time::timeout(Duration::from_secs(10), watched).await;
        assert_eq!(done, Ok(7));
    }
}
