//! Wall-clock time, injected so that tests decide what time it is.
//!
//! Deadlines on sockets use tokio's monotonic clock; everything that is stored, signed or compared
//! with an event's `created_at` uses a [`Clock`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A source of unix seconds.
pub trait Clock: Send + Sync + 'static {
    /// Seconds since 1970-01-01T00:00:00Z.
    fn now(&self) -> u64;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        since_epoch().as_secs()
    }
}

/// Nanoseconds since 1970 by the system's clock, for spans that are shown beside those of other programs.
#[cfg(feature = "opentelemetry")]
pub fn unix_nanos() -> u64 {
    u64::try_from(since_epoch().as_nanos()).unwrap_or(u64::MAX)
}

fn since_epoch() -> Duration {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one home of the system clock"
    )]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A clock that moves only when told to.
#[derive(Debug, Default)]
pub struct MockClock(AtomicU64);

impl MockClock {
    /// A clock standing at `now` unix seconds.
    pub fn at(now: u64) -> Self {
        Self(AtomicU64::new(now))
    }

    /// Moves the clock forward by `seconds`.
    pub fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for MockClock {
    fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}
