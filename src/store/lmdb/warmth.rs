//! Whether look-ups find what they need in memory.
//!
//! A look-up by id takes some ten microseconds, less than handing it to another thread and back. That is so as long as
//! nothing has to be read from the disk, and how long the last ones took tells whether it does.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// What took longer has probably waited for the disk, or for a core.
const WARM: Duration = Duration::from_millis(1);

/// How many look-ups go to other threads before one is tried where it was asked again.
const COLD_LOOK_UPS: u32 = 256;

/// What is known of the last look-ups.
#[derive(Debug, Default)]
pub(super) struct Warmth {
    /// Look-ups that go to other threads yet.
    cold: AtomicU32,
}

impl Warmth {
    /// Whether the next look-up will hardly have to wait.
    pub(super) fn is_warm(&self) -> bool {
        let one_less = |cold: u32| cold.checked_sub(1);
        let (set, read) = (Ordering::Relaxed, Ordering::Relaxed);
        self.cold.fetch_update(set, read, one_less).is_err()
    }

    /// Notes how long one took where it was asked.
    pub(super) fn took(&self, time: Duration) {
        if time > WARM {
            self.cold.store(COLD_LOOK_UPS, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_one_that_waited_others_take_the_way_around_for_a_while() {
        let warmth = Warmth::default();
        warmth.took(WARM);
        assert!(warmth.is_warm() && warmth.is_warm());
        warmth.took(WARM * 2);
        let around = (0..COLD_LOOK_UPS).filter(|_| !warmth.is_warm()).count();
        assert_eq!(around, COLD_LOOK_UPS as usize);
        assert!(warmth.is_warm());
    }
}
