//! How many events of one filter an answer takes.

/// What is left of a filter's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Quota {
    pub(in crate::store) left: usize,
    /// The limit is a bound of ours and not the reader's: the second it ends in is taken whole.
    pub(in crate::store) ends_with_second: bool,
    /// The second of the event taken last.
    pub(in crate::store) second: Option<u64>,
}

impl Quota {
    /// Whether an event of that second may be taken. Events come newest first.
    pub(in crate::store) fn has_room_for(&self, second: u64) -> bool {
        self.left > 0 || self.ends_with_second && self.second == Some(second)
    }

    /// Notes that an event of that second was taken.
    pub(in crate::store) fn take(&mut self, second: u64) {
        self.left = self.left.saturating_sub(1);
        self.second = Some(second);
    }
}
