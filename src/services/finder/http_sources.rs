//! Relay directories on the web.

use std::collections::HashMap;
use std::sync::MutexGuard;

use tokio::time::{Duration, Instant};
use tracing::{debug, info, warn};

use crate::config::ApiSource;
use crate::lifecycle::Tokens;
use crate::net::{HttpOptions, HttpUrl, Validators};
use crate::services::ServiceError;
use crate::services::backoff::{Backoff, whole_seconds};

use super::Finder;
use super::document::{self, MAX_URLS, Named};
use super::sieve::Naming;
use super::visit::Visit;

/// What candidates from directories give as their source.
const SOURCE: &str = "http";

/// How long a directory that could not be read is left alone, however often new events start a cycle.
const AFTER_FAILURE: Backoff = Backoff {
    base: Duration::from_secs(60),
    max: Duration::from_secs(3_600),
};

/// Directories move now and then.
const MAX_REDIRECTS: u8 = 3;

/// What came of the directories in one cycle.
#[derive(Debug, Default)]
pub(super) struct Directories {
    /// Directories that were read.
    pub fetched: u64,
    /// Of these, those that have not changed since the last time.
    pub unchanged: u64,
    /// Of these, those that named more than is taken from one.
    pub cut: u64,
    /// Directories that could not be read.
    pub failed: u64,
    /// Candidates that were new.
    pub candidates: u64,
}

/// Directories that could not be read lately. A restart forgets them, and tries each once more.
#[derive(Debug, Default)]
pub(super) struct Setbacks(HashMap<String, Setback>);

#[derive(Debug, Clone, Copy, Default)]
struct Setback {
    failures: u32,
    /// Unix seconds.
    next_attempt_at: u64,
}

impl Setbacks {
    fn is_resting(&self, url: &str, now: u64) -> bool {
        let setback = self.0.get(url);
        setback.is_some_and(|setback| now < setback.next_attempt_at)
    }

    fn count(&mut self, url: &str, now: u64, luck: f64) {
        let setback = self.0.entry(url.to_owned()).or_default();
        setback.failures += 1;
        let pause = AFTER_FAILURE.delay(setback.failures, luck);
        setback.next_attempt_at = now + whole_seconds(pause);
    }

    fn forget(&mut self, url: &str) {
        self.0.remove(url);
    }
}

impl Finder {
    /// Reads the directories whose turn it is. One that cannot be read is tried again after a pause that
    /// grows from one failure to the next.
    pub(super) async fn read_directories(
        &self,
        tokens: &Tokens,
    ) -> Result<Directories, ServiceError> {
        let mut directories = Directories::default();
        let api = &self.config.api;
        let sources = api
            .sources
            .iter()
            .filter(|source| api.enabled && source.enabled);
        for source in sources {
            if tokens.is_stopping() {
                break;
            }
            if !self.is_turn_of(source).await? {
                debug!(source = source.url, "api_skipped");
                continue;
            }
            if directories.fetched + directories.failed > 0 {
                tokio::select! {
                    () = tokio::time::sleep(api.request_delay) => {}
                    () = tokens.soft_stop() => break,
                }
            }
            let fetched = tokio::select! {
                fetched = self.fetch(source) => fetched,
                () = tokens.soft_stop() => break,
            };
            match fetched {
                Ok(fetched) => {
                    self.setbacks().forget(&source.url);
                    directories.unchanged += u64::from(fetched.named.is_none());
                    directories.cut += u64::from(fetched.left_out() > 0);
                    directories.candidates += self.take_in_all(source, fetched).await?;
                    directories.fetched += 1;
                }
                Err(reason) => {
                    warn!(source = source.url, reason, "api_fetch_failed");
                    let (now, luck) = (self.context.clock.now(), self.context.luck());
                    self.setbacks().count(&source.url, now, luck);
                    directories.failed += 1;
                }
            }
        }
        Ok(directories)
    }

    async fn is_turn_of(&self, source: &ApiSource) -> Result<bool, ServiceError> {
        let now = self.context.clock.now();
        if self.setbacks().is_resting(&source.url, now) {
            return Ok(false);
        }
        let last = Visit::load(self.context.store.as_ref(), source).await?;
        let cooldown = self.config.api.cooldown.as_secs();
        Ok(last.is_none_or(|last| last.visited_at + cooldown <= now))
    }

    fn setbacks(&self) -> MutexGuard<'_, Setbacks> {
        self.setbacks.lock().expect("no panic while counting")
    }

    async fn fetch(&self, source: &ApiSource) -> Result<Fetched, &'static str> {
        let url = HttpUrl::parse(&source.url).map_err(|_| "malformed_url")?;
        let last = Visit::load(self.context.store.as_ref(), source).await;
        let last = last.map_err(|failure| failure.reason())?;
        let validators = last.map_or_else(Validators::default, |last| last.validators);
        let options = HttpOptions {
            accept: "application/json",
            max_bytes: self.config.api.max_response_size,
            deadline: Instant::now() + source.timeout,
            max_redirects: MAX_REDIRECTS,
            allow_insecure: false,
        };
        let net = &self.context.net;
        let response = net
            .http_get_unless_current(&url, &validators, options)
            .await;
        let response = response.map_err(|failure| failure.reason())?;
        match response.status {
            304 => Ok(Fetched {
                named: None,
                validators,
            }),
            200..=299 if response.is_truncated => Err("too_large"),
            200..=299 => {
                let expression = source.expression.as_deref();
                let local = self.context.local_relays();
                Ok(Fetched {
                    named: Some(document::relay_urls(&response.body, expression, local)?),
                    validators: Validators::of(&response),
                })
            }
            _ => Err("status"),
        }
    }

    /// Candidates first, checkpoint after them, so that a crash between repeats the directory.
    async fn take_in_all(&self, source: &ApiSource, fetched: Fetched) -> Result<u64, ServiceError> {
        let left_out = fetched.left_out();
        if left_out > 0 {
            warn!(
                source = source.url,
                count = MAX_URLS,
                left_out,
                "api_document_cut"
            );
        }
        let urls = fetched.named.unwrap_or_default().urls;
        let count = urls.len();
        let weight = self.config.admission.min_weight;
        let named = urls.into_iter().map(|url| Naming {
            url,
            source: SOURCE,
            weight,
            author: None,
        });
        let added = self.take_in(named.collect()).await?;
        info!(source = source.url, count, added, "api_fetched");
        let visit = Visit {
            visited_at: self.context.clock.now(),
            validators: fetched.validators,
        };
        visit.save(self.context.store.as_ref(), source).await?;
        Ok(added)
    }
}

/// What a directory answered.
struct Fetched {
    /// What it names; `None` when that is as it was the last time.
    named: Option<Named>,
    /// What to ask with the next time.
    validators: Validators,
}

impl Fetched {
    /// How many URLs it names beyond those that are taken from one document.
    fn left_out(&self) -> u64 {
        self.named.as_ref().map_or(0, |named| named.left_out)
    }
}
