//! Round-trip times: how long a relay takes to open, to answer a request, to accept an event.

use std::time::Duration;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::tags::{TagWriter, first};
use crate::event::Tag;

/// How one phase of a check went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Phase {
    /// It was not tried, e.g. because an earlier phase failed.
    #[default]
    NotTried,
    /// It worked and took this long, in milliseconds.
    Took(u32),
    /// The relay answered that it will not do it: the text of its CLOSED or OK.
    Refused(String),
    /// There was no answer, for this reason.
    Failed(String),
}

impl Phase {
    /// A phase that worked, rounded to milliseconds and at least 1: what works takes time.
    pub fn took(duration: Duration) -> Self {
        let millis = (duration + Duration::from_micros(500)).as_millis();
        Self::Took(u32::try_from(millis).unwrap_or(u32::MAX).max(1))
    }

    /// The milliseconds it took, if it worked.
    pub fn ms(&self) -> Option<u32> {
        match self {
            Self::Took(ms) => Some(*ms),
            Self::NotTried | Self::Refused(_) | Self::Failed(_) => None,
        }
    }

    /// Why it did not work, if it was tried and did not.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Refused(reason) | Self::Failed(reason) => Some(reason),
            Self::NotTried | Self::Took(_) => None,
        }
    }
}

/// The three phases of a check.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rtt {
    /// Name lookup to the end of the WebSocket upgrade.
    pub open: Phase,
    /// REQ to the first EVENT or EOSE.
    pub read: Phase,
    /// EVENT to OK.
    pub write: Phase,
}

impl Rtt {
    /// Whether a connection came about, which is what NIP-66 calls online.
    pub fn is_open(&self) -> bool {
        self.open.ms().is_some()
    }

    pub(super) fn push_tags(&self, tags: &mut TagWriter) {
        tags.push_some("rtt-open", self.open.ms());
        tags.push_some("rtt-read", self.read.ms());
        tags.push_some("rtt-write", self.write.ms());
    }

    pub(super) fn from_tags(tags: &[Tag<'_>]) -> Self {
        let phase = |name: &str| first(tags, name).map_or(Phase::NotTried, Phase::Took);
        Self {
            open: phase("rtt-open"),
            read: phase("rtt-read"),
            write: phase("rtt-write"),
        }
    }
}

/// `rtt_open`, `rtt_read`, `rtt_write` in milliseconds; a phase that did not work has none.
impl Serialize for Rtt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, phase) in [
            ("rtt_open", &self.open),
            ("rtt_read", &self.read),
            ("rtt_write", &self.write),
        ] {
            if let Some(ms) = phase.ms() {
                map.serialize_entry(name, &ms)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_and_never_zero() {
        assert_eq!(Phase::took(Duration::ZERO), Phase::Took(1));
        assert_eq!(Phase::took(Duration::from_micros(1_499)), Phase::Took(1));
        assert_eq!(Phase::took(Duration::from_micros(1_500)), Phase::Took(2));
        assert_eq!(Phase::took(Duration::MAX / 2), Phase::Took(u32::MAX));
    }

    #[test]
    fn the_document_holds_what_worked() {
        let rtt = Rtt {
            open: Phase::Took(5),
            read: Phase::Failed("timed out".to_owned()),
            write: Phase::NotTried,
        };
        assert_eq!(serde_json::to_string(&rtt).unwrap(), r#"{"rtt_open":5}"#);
        assert_eq!(rtt.read.reason(), Some("timed out"));
    }
}
