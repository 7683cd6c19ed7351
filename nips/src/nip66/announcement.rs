//! Kind 10166: what a monitor checks, how often, and from where.

use std::time::Duration;

use super::geo::finest_geohash;
use super::tags::{TagWriter, all, first};
use crate::event::Tag;
use crate::{EventRef, Kind, Network, tag_values};

/// Most timeouts read from one event.
const MAX_TIMEOUTS: usize = 64;

/// What a monitor says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MonitorAnnouncement {
    /// Time between two events about one relay, whole seconds; `None` when it does not say.
    pub frequency: Option<Duration>,
    /// When checks give up.
    pub timeouts: Vec<CheckTimeout>,
    /// What is checked.
    pub checks: Vec<Check>,
    /// Networks whose relays are checked.
    pub networks: Vec<Network>,
    /// Where the monitor is.
    pub geohash: Option<String>,
}

/// When a check gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckTimeout {
    /// The check; all of them when `None`.
    pub check: Option<Check>,
    /// Whole milliseconds.
    pub timeout: Duration,
}

/// A check by its name in `c` and `timeout` tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Check {
    /// Connecting.
    Open,
    /// Requesting.
    Read,
    /// Publishing.
    Write,
    /// Authenticating (NIP-42).
    Auth,
    /// The information document.
    Nip11,
    /// The certificate.
    Ssl,
    /// DNS records.
    Dns,
    /// Place.
    Geo,
    /// Address and autonomous system.
    Net,
    /// HTTP headers.
    Http,
    /// Whether the relay does what its document claims.
    Audit,
}

impl Check {
    /// All checks, in the order in which they are published.
    pub const ALL: [Self; 11] = [
        Self::Open,
        Self::Read,
        Self::Write,
        Self::Auth,
        Self::Nip11,
        Self::Ssl,
        Self::Dns,
        Self::Geo,
        Self::Net,
        Self::Http,
        Self::Audit,
    ];

    /// The name, e.g. `nip11`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Read => "read",
            Self::Write => "write",
            Self::Auth => "auth",
            Self::Nip11 => "nip11",
            Self::Ssl => "ssl",
            Self::Dns => "dns",
            Self::Geo => "geo",
            Self::Net => "net",
            Self::Http => "http",
            Self::Audit => "audit",
        }
    }

    /// The check of that name; `info` is an old one for `nip11`.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        if name == "info" {
            return Some(Self::Nip11);
        }
        Self::ALL.into_iter().find(|check| check.as_str() == name)
    }
}

impl MonitorAnnouncement {
    /// Reads the event of anybody's monitor; `None` for other kinds. Checks and networks that are not
    /// known are passed over.
    pub fn parse(event: &EventRef<'_>) -> Option<Self> {
        if event.kind != Kind::MONITOR_ANNOUNCEMENT {
            return None;
        }
        let tags = event.tags();
        let mut checks: Vec<Check> = Vec::new();
        for check in tag_values::values(&tags, "c").filter_map(Check::from_name) {
            if !checks.contains(&check) {
                checks.push(check);
            }
        }
        Some(Self {
            frequency: first(&tags, "frequency").map(Duration::from_secs),
            timeouts: tags.iter().filter_map(timeout).take(MAX_TIMEOUTS).collect(),
            checks,
            networks: all(&tags, "n", Network::ALL.len()),
            geohash: finest_geohash(&tags),
        })
    }

    /// The tags of the event, whose content is empty.
    pub fn to_tags(&self) -> Vec<Vec<String>> {
        let mut tags = TagWriter::default();
        tags.push_some("frequency", self.frequency.map(|it| it.as_secs()));
        tags.push_some("g", self.geohash.as_deref());
        for network in &self.networks {
            tags.push("n", network);
        }
        for CheckTimeout { check, timeout } in &self.timeouts {
            let name = check.iter().map(|check| check.as_str().to_owned());
            let tag = ["timeout".to_owned()].into_iter().chain(name);
            tags.0
                .push(tag.chain([timeout.as_millis().to_string()]).collect());
        }
        for check in &self.checks {
            tags.push("c", check.as_str());
        }
        tags.0
    }
}

/// Reads `["timeout", test, ms]`, `["timeout", ms, test]` or `["timeout", ms]`: the number is the
/// milliseconds. The text of NIP-66 and its example differ in the order.
fn timeout(tag: &Tag<'_>) -> Option<CheckTimeout> {
    let [name, values @ ..] = tag.as_slice() else {
        return None;
    };
    let values = (name == "timeout").then_some(values)?;
    let millis = |value: &str| value.trim().parse().ok().map(Duration::from_millis);
    let (timeout, test) = match values {
        [single] => (millis(single)?, None),
        [first, second, ..] => match millis(second) {
            Some(timeout) => (timeout, Some(first)),
            None => (millis(first)?, Some(second)),
        },
        [] => return None,
    };
    let check = match test.map(AsRef::as_ref) {
        None | Some("") => None,
        Some(name) => Some(Check::from_name(name)?),
    };
    Some(CheckTimeout { check, timeout })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_event::event;

    fn parse(tags: &[Vec<String>]) -> MonitorAnnouncement {
        let borrowed: Vec<Vec<&str>> = tags
            .iter()
            .map(|tag| tag.iter().map(String::as_str).collect())
            .collect();
        let slices: Vec<&[&str]> = borrowed.iter().map(Vec::as_slice).collect();
        MonitorAnnouncement::parse(&event(10_166, &slices, "").as_ref()).unwrap()
    }

    #[test]
    fn both_orders_of_timeout_are_read() {
        let tag = |values: &[&str]| values.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let read = |values: &[&str]| parse(&[tag(values)]).timeouts.pop();
        let open = |ms| CheckTimeout {
            check: Some(Check::Open),
            timeout: Duration::from_millis(ms),
        };
        assert_eq!(read(&["timeout", "open", "5000"]), Some(open(5000)));
        assert_eq!(read(&["timeout", "5000", "open"]), Some(open(5000)));
        let all = CheckTimeout {
            check: None,
            ..open(7)
        };
        assert_eq!(read(&["timeout", "7"]), Some(all));
        assert_eq!(read(&["timeout", "", "7"]), Some(all));
        for other in [
            &["timeout"][..],
            &["timeout", "open"],
            &["timeout", "x", "7"],
        ] {
            assert_eq!(read(other), None, "{other:?}");
        }
    }

    fn announcement() -> impl Strategy<Value = MonitorAnnouncement> {
        let check = proptest::sample::select(Check::ALL.to_vec());
        let timeout =
            (proptest::option::of(check.clone()), any::<u32>()).prop_map(|(check, ms)| {
                CheckTimeout {
                    check,
                    timeout: Duration::from_millis(ms.into()),
                }
            });
        (
            proptest::option::of(any::<u32>()),
            proptest::collection::vec(timeout, 0..6),
            proptest::sample::subsequence(Check::ALL.to_vec(), 0..10),
            proptest::sample::subsequence(Network::ALL.to_vec(), 0..5),
            proptest::option::of("[0-9b-hjkmnp-z]{1,9}"),
        )
            .prop_map(|(frequency, timeouts, checks, networks, geohash)| {
                MonitorAnnouncement {
                    frequency: frequency.map(|it| Duration::from_secs(it.into())),
                    timeouts,
                    checks,
                    networks,
                    geohash,
                }
            })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(announcement in announcement()) {
            prop_assert_eq!(parse(&announcement.to_tags()), announcement);
        }
    }
}
