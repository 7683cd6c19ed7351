//! How often one connection may do something.

use std::time::Duration;

use tokio::time::Instant;

/// A bucket that holds a minute's allowance and refills evenly.
#[derive(Debug)]
pub(super) struct Rate {
    per_minute: Option<f64>,
    left: f64,
    refilled_at: Instant,
}

const MINUTE: Duration = Duration::from_secs(60);

impl Rate {
    /// A full bucket; `None` never runs dry.
    pub(super) fn per_minute(per_minute: Option<u32>, now: Instant) -> Self {
        let per_minute = per_minute.map(f64::from);
        Self {
            per_minute,
            left: per_minute.unwrap_or_default(),
            refilled_at: now,
        }
    }

    /// Takes one, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let Some(per_minute) = self.per_minute else {
            return true;
        };
        let minutes = (now - self.refilled_at).as_secs_f64() / MINUTE.as_secs_f64();
        self.left = (self.left + minutes * per_minute).min(per_minute);
        self.refilled_at = now;
        let is_allowed = self.left >= 1.0;
        if is_allowed {
            self.left -= 1.0;
        }
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_allows_its_number_and_refills() {
        let start = Instant::now();
        let mut rate = Rate::per_minute(Some(3), start);
        let taken = (0..5).filter(|_| rate.take(start)).count();
        assert_eq!(taken, 3);
        assert!(!rate.take(start + Duration::from_secs(19)));
        assert!(rate.take(start + Duration::from_secs(21)));
        assert!(Rate::per_minute(None, start).take(start));
    }
}
