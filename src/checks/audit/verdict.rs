//! What one probe came to.

use nips::nip66::{Claim, ClaimFinding, Observed, Stated, one_line};

/// What was seen of one claim, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Yes, no, or neither.
    pub observed: Observed,
    /// What was counted.
    pub measured: Option<u64>,
    /// What it rests on.
    pub reason: String,
}

impl Verdict {
    /// It does what it says.
    pub(super) fn yes(reason: impl Into<String>) -> Self {
        Self::new(Observed::Yes, reason)
    }

    /// It does not.
    pub(super) fn no(reason: impl Into<String>) -> Self {
        Self::new(Observed::No, reason)
    }

    /// Nothing showed it. In doubt this is the verdict.
    pub(super) fn untestable(reason: impl Into<String>) -> Self {
        Self::new(Observed::Untestable, reason)
    }

    /// With what was counted.
    pub(super) fn measuring(self, measured: usize) -> Self {
        Self {
            measured: Some(measured as u64),
            ..self
        }
    }

    /// As a finding about a claim.
    pub(super) fn on(self, claim: Claim, stated: Option<Stated>) -> ClaimFinding {
        ClaimFinding {
            claim,
            stated,
            observed: self.observed,
            measured: self.measured,
            // Relays' words are among the reasons.
            reason: one_line(&self.reason).unwrap_or_default(),
        }
    }

    fn new(observed: Observed, reason: impl Into<String>) -> Self {
        Self {
            observed,
            measured: None,
            reason: reason.into(),
        }
    }
}
