//! What an errand came to, for people and for programs.

use std::fmt::Write;
use std::time::Duration;

use nips::{Filter, RelayUrl};
use serde_json::{Value, json};

use crate::http::moment::{date, grouped, size, span};
use crate::model::{Gap, Interval, Relay};
use crate::services::synchronizer::Errand;
use crate::store::coverage::FilterId;
use crate::store::{Store, StoreError};

/// Ranges and gaps that a person is shown; JSON has all of them.
const SHOWN: usize = 10;

/// The account of one relay.
pub(super) struct Account {
    url: RelayUrl,
    is_added: bool,
    /// What was done.
    pub(super) errand: Errand,
    took: Duration,
    /// When the record was read, unix seconds.
    now: u64,
    records: Vec<Record>,
}

/// What is on record about one filter.
struct Record {
    filter: Filter,
    covered: Vec<Interval>,
    gaps: Vec<Gap>,
}

impl Account {
    /// The account of an errand, without what is on record now.
    pub(super) fn new(url: RelayUrl, is_added: bool, errand: Errand, took: Duration) -> Self {
        Self {
            url,
            is_added,
            errand,
            took,
            now: 0,
            records: Vec::new(),
        }
    }

    /// Adds what is on record now.
    pub(super) async fn read_record(
        &mut self,
        store: &dyn Store,
        relay: &Relay,
        filters: &[Filter],
        now: u64,
    ) -> Result<(), StoreError> {
        self.now = now;
        for filter in filters {
            let id = FilterId::of(filter);
            self.records.push(Record {
                filter: filter.clone(),
                covered: store.coverage(relay.id, id).await?,
                gaps: store.gaps(relay.id, id).await?,
            });
        }
        Ok(())
    }

    /// An object of `sync --json`.
    pub(super) fn to_json(&self) -> Value {
        let Errand {
            end,
            requests,
            received_bytes,
            new,
            known,
            refused,
        } = &self.errand;
        json!({
            "relay": self.url.as_str(),
            "is_added": self.is_added,
            "end": end.as_str(),
            "reason": end.reason(),
            "duration_ms": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
            "requests": requests,
            "received_bytes": received_bytes,
            "new": new,
            "known": known,
            "refused": refused,
            "filters": self.records.iter().map(Record::to_json).collect::<Vec<_>>(),
        })
    }

    /// A paragraph.
    pub(super) fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.url);
        let Errand {
            end,
            requests,
            received_bytes,
            new,
            known,
            refused,
        } = &self.errand;
        let mut row = |what: &str, value: String| {
            let _ = writeln!(text, "  {what:<9} {value}");
        };
        let why = end.reason().map(|reason| format!(": {reason}"));
        let seconds = self.took.as_secs_f64();
        row(
            end.as_str(),
            format!("after {seconds:.1} s{}", why.unwrap_or_default()),
        );
        row("requests", grouped(*requests));
        row("received", size(*received_bytes));
        row("new", grouped(*new));
        row("known", grouped(*known));
        for (reason, count) in refused {
            row("refused", format!("{} {reason}", grouped(*count)));
        }
        for record in &self.records {
            record.describe(self.now, &mut row);
        }
        text
    }
}

impl Record {
    fn to_json(&self) -> Value {
        let covered = self.covered.iter().map(|interval| {
            json!({
                "from": interval.from,
                "until": interval.until,
                "method": interval.method.as_str(),
                "events": interval.events,
            })
        });
        let gaps = self.gaps.iter().map(|gap| {
            json!({
                "from": gap.from,
                "until": gap.until,
                "reason": gap.reason.as_str(),
                "attempts": gap.attempts,
                "next_attempt_at": gap.next_attempt_at,
            })
        });
        json!({
            "filter": serde_json::from_str::<Value>(&self.filter.to_json()).unwrap_or_default(),
            "covered": covered.collect::<Vec<_>>(),
            "gaps": gaps.collect::<Vec<_>>(),
        })
    }

    /// The newest ranges and gaps, a row each.
    fn describe(&self, now: u64, row: &mut impl FnMut(&str, String)) {
        let filter = self.filter.to_json();
        let about = if filter == "{}" {
            String::new()
        } else {
            format!(" of {filter}")
        };
        for interval in self.covered.iter().rev().take(SHOWN) {
            let (from, until) = (date(interval.from), date(interval.until));
            let method = interval.method.as_str();
            row("covered", format!("{from} to {until} by {method}{about}"));
        }
        for gap in self.gaps.iter().rev().take(SHOWN) {
            let (from, until) = (date(gap.from), date(gap.until));
            let reason = gap.reason.as_str();
            let wait = span(gap.next_attempt_at.saturating_sub(now));
            row(
                "gap",
                format!("{from} to {until}{about}: {reason}, tried again after {wait}"),
            );
        }
        let hidden =
            self.covered.len().saturating_sub(SHOWN) + self.gaps.len().saturating_sub(SHOWN);
        if hidden > 0 {
            row("", format!("{} more in --json", grouped(hidden as u64)));
        }
    }
}
