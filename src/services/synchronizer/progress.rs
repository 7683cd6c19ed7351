//! How far a visit is, for a person who watches it.

use crate::model::Method;

use super::harvest::Harvest;
use super::range::Range;

/// A visit at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// How the window is being covered; `None` before the first question.
    pub method: Option<Method>,
    /// First and last second of what is being asked for.
    pub window: Option<(u64, u64)>,
    /// Requests sent.
    pub requests: u64,
    /// Events stored for the first time.
    pub new: u64,
    /// Events that were stored before.
    pub known: u64,
    /// Events that were refused.
    pub refused: u64,
    /// Requests, new, known and refused events of earlier visits for the same errand.
    earlier: [u64; 4],
}

impl Progress {
    /// Takes down which range is asked for and how, and what came so far.
    pub(super) fn note(&mut self, method: Method, range: Range, requests: u64, harvest: &Harvest) {
        self.method = Some(method);
        self.window = Some((range.from, range.until));
        let [
            earlier_requests,
            earlier_new,
            earlier_known,
            earlier_refused,
        ] = self.earlier;
        self.requests = earlier_requests + requests;
        self.new = earlier_new + harvest.stored;
        self.known = earlier_known + harvest.known;
        self.refused = earlier_refused + harvest.refusals();
    }

    /// From now on it is another visit that is watched.
    pub(super) fn go_on(&mut self) {
        self.earlier = [self.requests, self.new, self.known, self.refused];
    }
}
