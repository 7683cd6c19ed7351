//! The windows of time in which an answer is looked for, newest first.
//!
//! What matches most often was written lately. So the newest stretch that holds a few thousand events is
//! asked first and later ones are eight times as long, and no statement sorts an author's or a tag's
//! whole history for the sake of its newest page.

use super::row::column;
use super::session::Session;
use crate::store::StoreError;
use crate::store::postgres::connection::statement;

const NEWEST_STRETCH: &str = include_str!("../../../../sql/postgres/queries/newest_stretch.sql");

/// Events in the first window.
const FIRST_EVENTS: i64 = 2_000;

/// How much longer each window is than the one before.
const GROWTH: i64 = 8;

/// A closed range of event keys, as PostgreSQL has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) low: i64,
    pub(super) high: i64,
}

impl Window {
    pub(super) fn new((low, high): (u64, u64)) -> Self {
        Self {
            low: low.cast_signed(),
            high: high.cast_signed(),
        }
    }

    /// Cuts it into windows, newest first.
    pub(super) async fn split(self, session: &mut Session) -> Result<Vec<Self>, StoreError> {
        let row = session
            .row(
                statement(NEWEST_STRETCH)
                    .bind(self.low)
                    .bind(self.high)
                    .bind(FIRST_EVENTS),
            )
            .await?;
        let stretch = Stretch {
            newest: column(&row, "newest_eid")?,
            start: column(&row, "start_eid")?,
        };
        Ok(self.cut(column(&row, "now_eid")?, stretch))
    }

    /// `now` is the end of what can be of today.
    fn cut(self, now: i64, stretch: Stretch) -> Vec<Self> {
        let mut windows = Vec::new();
        let mut high = self.high;
        if now < high {
            windows.push(Self { low: now + 1, high });
            high = now;
        }
        if let Some((mut low, mut length)) = stretch.first_window() {
            while low > self.low {
                windows.push(Self { low, high });
                high = low - 1;
                length = length.saturating_mul(GROWTH);
                low = high.saturating_sub(length);
            }
        }
        if high >= self.low {
            windows.push(Self {
                low: self.low,
                high,
            });
        }
        windows
    }
}

/// Where the newest events lie.
struct Stretch {
    newest: Option<i64>,
    /// `None` when there are few.
    start: Option<i64>,
}

impl Stretch {
    /// Where the first window begins, and how long it is but for the time in which nothing happened.
    fn first_window(&self) -> Option<(i64, i64)> {
        let (newest, start) = self.newest.zip(self.start)?;
        Some((start, (newest - start).max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(low: i64, high: i64) -> Window {
        Window { low, high }
    }

    fn stretch(newest: i64, start: i64) -> Stretch {
        Stretch {
            newest: Some(newest),
            start: Some(start),
        }
    }

    const FEW: Stretch = Stretch {
        newest: None,
        start: None,
    };

    #[test]
    fn windows_grow_and_leave_nothing_out() {
        let cut = window(0, 2_000).cut(2_000, stretch(1_000, 991));
        assert_eq!(
            cut,
            [
                window(991, 2_000),
                window(918, 990),
                window(341, 917),
                window(0, 340)
            ]
        );
    }

    #[test]
    fn the_future_is_a_window_of_its_own() {
        assert_eq!(
            window(0, 1_000).cut(600, FEW),
            [window(601, 1_000), window(0, 600)]
        );
        assert_eq!(window(700, 1_000).cut(699, FEW), [window(700, 1_000)]);
    }

    #[test]
    fn a_short_range_is_one_window() {
        assert_eq!(window(5, 9).cut(9, FEW), [window(5, 9)]);
        assert_eq!(window(5, 9).cut(9, stretch(9, 5)), [window(5, 9)]);
    }
}
