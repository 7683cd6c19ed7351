//! How often somebody may do something, or how much of something they may have.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;
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

/// Buckets that a table keeps; at about 100 bytes each this is 10 MB.
const MAX_BUCKETS: usize = 100_000;

impl Rate {
    /// A full bucket; `None` never runs dry.
    pub(super) fn per_minute(per_minute: Option<u32>, now: Instant) -> Self {
        Self::of(per_minute.map(f64::from), now)
    }

    fn of(per_minute: Option<f64>, now: Instant) -> Self {
        Self {
            per_minute,
            left: per_minute.unwrap_or_default(),
            refilled_at: now,
        }
    }

    /// Takes one, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let has_enough = self.has(1.0, now);
        if has_enough {
            self.charge(1.0);
        }
        has_enough
    }

    /// Whether so much is left.
    fn has(&mut self, amount: f64, now: Instant) -> bool {
        let Some(per_minute) = self.per_minute else {
            return true;
        };
        let minutes = (now - self.refilled_at).as_secs_f64() / MINUTE.as_secs_f64();
        self.left = (self.left + minutes * per_minute).min(per_minute);
        self.refilled_at = now;
        self.left >= amount
    }

    /// How long it takes until so much is left; `None` when it is.
    pub(super) fn time_until(&mut self, amount: f64, now: Instant) -> Option<Duration> {
        let per_minute = self.per_minute.filter(|_| !self.has(amount, now))?;
        Some(MINUTE.mul_f64((amount - self.left) / per_minute))
    }

    /// Takes so much, into debt if need be.
    pub(super) fn charge(&mut self, amount: f64) {
        if self.per_minute.is_some() {
            self.left -= amount;
        }
    }

    fn is_full(&mut self, now: Instant) -> bool {
        self.has(self.per_minute.unwrap_or_default(), now)
    }
}

/// A bucket for each of many, made when it is first needed.
#[derive(Debug)]
pub(super) struct Rates<K> {
    per_minute: Option<f64>,
    buckets: Mutex<HashMap<K, Rate>>,
}

impl<K: Hash + Eq> Rates<K> {
    /// Full buckets; `None` never run dry.
    pub(super) fn per_minute(per_minute: Option<u32>) -> Self {
        Self::of(per_minute.map(f64::from))
    }

    /// Buckets of seconds.
    pub(super) fn time_per_minute(time: Option<Duration>) -> Self {
        Self::of(time.map(|time| time.as_secs_f64()))
    }

    fn of(per_minute: Option<f64>) -> Self {
        Self {
            per_minute,
            buckets: Mutex::default(),
        }
    }

    /// Takes one, if there is one.
    pub(super) fn take(&self, key: K, now: Instant) -> bool {
        self.with(key, now, |rate| rate.take(now))
    }

    /// Whether so much is left.
    pub(super) fn has(&self, key: K, amount: f64, now: Instant) -> bool {
        self.with(key, now, |rate| rate.has(amount, now))
    }

    /// Takes so much, into debt if need be; a negative amount is given back.
    pub(super) fn charge(&self, key: K, amount: f64, now: Instant) {
        self.with(key, now, |rate| {
            rate.charge(amount);
            true
        });
    }

    /// Forgets a bucket that nobody will ask for again.
    pub(super) fn forget(&self, key: &K) {
        if self.per_minute.is_some() {
            let mut buckets = self.buckets.lock().expect("no panic under the lock");
            buckets.remove(key);
        }
    }

    fn with(&self, key: K, now: Instant, act: impl FnOnce(&mut Rate) -> bool) -> bool {
        if self.per_minute.is_none() {
            return true;
        }
        let mut buckets = self.buckets.lock().expect("no panic under the lock");
        if buckets.len() >= MAX_BUCKETS && !buckets.contains_key(&key) {
            make_room(&mut buckets, now);
        }
        let full = || Rate::of(self.per_minute, now);
        act(buckets.entry(key).or_insert_with(full))
    }
}

/// A full bucket says as much as none. Where not even one is full, all begin anew: memory is bounded before
/// rates are.
fn make_room<K: Hash + Eq>(buckets: &mut HashMap<K, Rate>, now: Instant) {
    buckets.retain(|_, rate| !rate.is_full(now));
    if buckets.len() >= MAX_BUCKETS {
        buckets.clear();
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

    #[test]
    fn a_debt_is_paid_off_as_the_minute_passes() {
        let start = Instant::now();
        let mut rate = Rate::per_minute(Some(60), start);
        assert_eq!(rate.time_until(0.0, start), None);
        rate.charge(62.0);
        let two_seconds = Duration::from_secs(2);
        assert_eq!(rate.time_until(0.0, start), Some(two_seconds));
        assert_eq!(rate.time_until(0.0, start + two_seconds), None);
        let mut free = Rate::per_minute(None, start);
        free.charge(1.0);
        assert_eq!(free.time_until(0.0, start), None);
    }

    #[test]
    fn each_has_a_bucket_and_may_run_into_debt() {
        let start = Instant::now();
        let rates = Rates::time_per_minute(Some(Duration::from_secs(6)));
        rates.charge('a', 9.0, start);
        assert!(!rates.has('a', 0.0, start) && rates.has('b', 6.0, start));
        assert!(!rates.has('a', 0.0, start + Duration::from_secs(29)));
        assert!(rates.has('a', 0.0, start + Duration::from_secs(31)));
        rates.forget(&'b');
        assert!(rates.has('b', 6.0, start));
    }

    #[test]
    fn memory_is_bounded_and_who_is_in_debt_stays_longest() {
        let start = Instant::now();
        let rates = Rates::per_minute(Some(2));
        rates.charge(0, 100.0, start);
        for key in 1..=MAX_BUCKETS {
            rates.take(key, start + Duration::from_secs(key as u64 / 100));
        }
        assert!(rates.buckets.lock().unwrap().len() <= MAX_BUCKETS);
        assert!(!rates.take(0, start + Duration::from_secs(1_000)));
    }
}
