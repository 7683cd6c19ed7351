//! NIP-40 expiration timestamps.

use crate::event::Tag;

/// Values from here on are taken for milliseconds or nonsense: seconds reach it in the year 5138,
/// milliseconds passed it in 1973.
const TOO_LARGE_FOR_SECONDS: u64 = 100_000_000_000;

/// What the `expiration` tag of an event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiration {
    /// There is no such tag.
    Never,
    /// Unix seconds from which on the event is not served.
    At(u64),
    /// The first such tag holds no unix seconds: an archive takes it for [`Self::Never`], a relay
    /// refuses it from a client.
    Unreadable,
}

impl Expiration {
    /// Reads the first `expiration` tag.
    pub fn of(tags: &[Tag<'_>]) -> Self {
        let found = tags
            .iter()
            .find(|tag| tag.first().is_some_and(|name| name == "expiration"));
        let Some(tag) = found else {
            return Self::Never;
        };
        tag.get(1)
            .and_then(|value| parse_seconds(value))
            .map_or(Self::Unreadable, Self::At)
    }

    /// The unix seconds, if there are any.
    pub fn at(self) -> Option<u64> {
        match self {
            Self::At(seconds) => Some(seconds),
            Self::Never | Self::Unreadable => None,
        }
    }

    /// Whether the event has expired at `now` unix seconds.
    pub fn is_past(self, now: u64) -> bool {
        self.at().is_some_and(|at| at <= now)
    }
}

fn parse_seconds(value: &str) -> Option<u64> {
    let is_digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = is_digits.then(|| value.parse().ok())??;
    (seconds < TOO_LARGE_FOR_SECONDS).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &'static str) -> Expiration {
        Expiration::of(&[vec!["expiration".into(), value.into()]])
    }

    #[test]
    fn seconds_are_read_and_nothing_else() {
        assert_eq!(of("1700000000"), Expiration::At(1_700_000_000));
        for value in [
            "",
            "1700000000000",
            "-1",
            "+1",
            "1.5",
            "soon",
            "99999999999999999999",
        ] {
            assert_eq!(of(value), Expiration::Unreadable, "{value}");
        }
        assert_eq!(
            Expiration::of(&[vec!["expiration".into()]]),
            Expiration::Unreadable
        );
        assert_eq!(
            Expiration::of(&[vec!["e".into(), "1".into()]]),
            Expiration::Never
        );
    }

    #[test]
    fn an_event_expires_at_its_second() {
        assert!(!of("100").is_past(99));
        assert!(of("100").is_past(100));
        assert!(!of("soon").is_past(u64::MAX));
    }
}
