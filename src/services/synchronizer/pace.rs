//! How fast a relay wants to be asked, learnt from when it said `rate-limited:`.

use std::time::Duration;

use tokio::time::Instant;

/// The longest pause between two questions: a relay that wants more of one is left for another visit.
const LONGEST: Duration = Duration::from_secs(10);

/// A pace below this is none.
const SHORTEST: Duration = Duration::from_millis(10);

/// Questions per time, as far as the relay has let us.
#[derive(Debug)]
pub(super) struct Pace {
    pause: Duration,
    last_asked: Option<Instant>,
    /// Since the last refusal, or since the beginning.
    since: Instant,
    asked: u32,
}

impl Pace {
    /// The pace of the visit before; it is quickened a little, since relays change, too.
    pub(super) fn remembered(pause: Duration, now: Instant) -> Self {
        Self {
            pause: usable(pause.mul_f64(0.8)),
            last_asked: None,
            since: now,
            asked: 0,
        }
    }

    /// When the next question may be asked.
    pub(super) fn next_at(&self) -> Option<Instant> {
        let last = self.last_asked.filter(|_| !self.pause.is_zero())?;
        Some(last + self.pause)
    }

    /// A question is asked now.
    pub(super) fn on_asked(&mut self, now: Instant) {
        self.last_asked = Some(now);
        self.asked += 1;
    }

    /// The last question was refused for being one too many: as many as went before it take a fifth more
    /// time from now on.
    pub(super) fn on_refused(&mut self, now: Instant) {
        let answered = self.asked.saturating_sub(1);
        if answered > 0 {
            let pause = (now - self.since).mul_f64(1.2) / answered;
            self.pause = usable(pause.max(self.pause));
        }
        self.since = now;
        self.asked = 0;
    }

    /// What to remember.
    pub(super) fn pause(&self) -> Duration {
        self.pause
    }
}

fn usable(pause: Duration) -> Duration {
    if pause < SHORTEST {
        return Duration::ZERO;
    }
    pause.min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_slows_down_and_time_quickens() {
        let mut now = Instant::now();
        let mut pace = Pace::remembered(Duration::ZERO, now);
        assert_eq!(pace.next_at(), None);
        for _ in 0..11 {
            pace.on_asked(now);
            now += Duration::from_millis(100);
        }
        pace.on_refused(now);
        let learnt = Duration::from_millis(132);
        assert_eq!(pace.pause(), learnt);
        pace.on_asked(now);
        assert_eq!(pace.next_at(), Some(now + learnt));
        // Refused at once: nothing new is learnt.
        pace.on_refused(now + learnt);
        assert_eq!(pace.pause(), learnt);
        let mut visits = 0;
        while !pace.pause().is_zero() {
            pace = Pace::remembered(pace.pause(), now);
            visits += 1;
        }
        assert!((10..14).contains(&visits), "{visits}");
    }
}
