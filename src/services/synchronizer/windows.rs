//! The parts in which a range is compared with a relay, newest first, small enough for both sides.

use super::range::Range;

/// Windows halved in one visit because they were too large for the relay. A range of fifty years with a
/// million events in its last months is down to a tenth of that after ten.
const MAX_SPLITS: u32 = 128;

/// What is still to be compared.
#[derive(Debug)]
pub(super) struct Windows {
    /// The next one last.
    open: Vec<Range>,
    splits: u32,
}

impl Windows {
    /// Everything, given newest first.
    pub(super) fn new(mut ranges: Vec<Range>) -> Self {
        ranges.reverse();
        Self {
            open: ranges,
            splits: 0,
        }
    }

    /// The next window.
    pub(super) fn next(&mut self) -> Option<Range> {
        self.open.pop()
    }

    /// Puts back what is left of a window, older than what was taken of it.
    pub(super) fn put_back(&mut self, rest: Range) {
        self.open.push(rest);
    }

    /// Puts a window back in two halves; `false` when it cannot be halved, or enough has been.
    pub(super) fn halve(&mut self, window: Range) -> bool {
        if window.is_second() || self.splits >= MAX_SPLITS {
            return false;
        }
        self.splits += 1;
        let middle = window.from + (window.until - window.from) / 2;
        self.open.extend(Range::new(window.from, middle));
        self.open.extend(Range::new(middle + 1, window.until));
        true
    }

    /// Everything that was not compared, newest first.
    pub(super) fn rest(self) -> Vec<Range> {
        self.open.into_iter().rev().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: u64, until: u64) -> Range {
        Range::new(from, until).unwrap()
    }

    #[test]
    fn the_newest_comes_first_and_halves_take_its_place() {
        let mut windows = Windows::new(vec![range(50, 99), range(0, 9)]);
        let window = windows.next().unwrap();
        assert_eq!(window, range(50, 99));
        assert!(windows.halve(window));
        assert_eq!(windows.next(), Some(range(75, 99)));
        assert_eq!(windows.rest(), [range(50, 74), range(0, 9)]);
    }

    #[test]
    fn halving_comes_to_an_end() {
        let mut windows = Windows::new(vec![range(0, u64::MAX)]);
        let mut halved = 0;
        while let Some(window) = windows.next() {
            halved += u32::from(windows.halve(window));
        }
        assert_eq!(halved, MAX_SPLITS);
        assert!(!Windows::new(Vec::new()).halve(range(7, 7)));
    }
}
