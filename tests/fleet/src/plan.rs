//! What to build: the members of a fleet, how they are reached and what they hold.

use std::net::IpAddr;
use std::time::Duration;

use nips::Event;

use crate::behaviour::{Behaviour, REFUSALS};
use crate::certificate::Certificate;
use crate::events::Share;
use crate::information::{Information, Redirect};

/// A fleet to start. The same plan gives the same names and the same events, except for the ports that
/// the system chooses and that relay lists repeat.
#[derive(Debug, Clone)]
pub struct FleetPlan {
    /// Decides keys, events, their distribution and every random choice of a member.
    pub seed: u64,
    /// How many events are generated and spread over the members that hold events.
    pub events: usize,
    /// The members, in the order of [`crate::Fleet::members`].
    pub members: Vec<MemberPlan>,
}

/// One member of a fleet.
#[derive(Debug, Clone)]
pub struct MemberPlan {
    /// What it does.
    pub behaviour: Behaviour,
    /// How a crawler reaches it.
    pub access: Access,
    /// Its NIP-11 document.
    pub information: Information,
    /// The scenario rows that it stands for, e.g. `B19`; empty for plain members.
    pub row: &'static str,
    /// How much of the fleet's events it gets, relative to the others; 0 for none.
    pub weight: f64,
    /// Events that only this member gets, beside its share.
    pub own_events: Vec<Event>,
    /// Its share of a series of events.
    pub series: Option<Share>,
}

/// How a crawler reaches a member.
#[derive(Debug, Clone, PartialEq)]
pub enum Access {
    /// `ws://127.0.0.x:PORT`, for `networks.local`.
    Loopback,
    /// `wss://<name>.nostr-lab.net` through `networks.hosts`, with a certificate.
    Tls(Certificate),
    /// `ws://<56 characters>.onion`, through the SOCKS5 server only.
    Onion,
    /// `ws://<52 characters>.b32.i2p`, through the SOCKS5 server only.
    I2p,
    /// `ws://<52 characters>.loki`, through the SOCKS5 server only.
    Loki,
    /// `wss://<name>.nostr-lab.net:PORT`, a public name that the laboratory's DNS server answers with
    /// these addresses, loopback being the member's own (B23). It must never be connected to.
    Dns(Vec<IpAddr>),
}

impl FleetPlan {
    /// A fleet without members and without events.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            events: 0,
            members: Vec::new(),
        }
    }

    /// Adds a member.
    pub fn member(mut self, member: MemberPlan) -> Self {
        self.members.push(member);
        self
    }

    /// Sets how many events are generated.
    pub fn events(mut self, events: usize) -> Self {
        self.events = events;
        self
    }

    /// A network like the real one in small: every scenario of [`scenarios`] once if there is room, and
    /// healthy relays of every network for the rest.
    pub fn mixed(seed: u64, relays: usize, events: usize) -> Self {
        // At least a tenth is healthy and plain, whatever the size.
        let odd = scenarios().into_iter().take(relays - relays.div_ceil(10));
        let healthy = relays - odd.len();
        let mut members: Vec<MemberPlan> = (0..healthy).map(healthy_member).collect();
        members.extend(odd);
        Self {
            seed,
            events,
            members,
        }
    }
}

/// The `index`-th healthy member of a mixed fleet, from every network in turn. The first hold most of the
/// events, as the twenty largest relays of the real network hold 63 %.
fn healthy_member(index: usize) -> MemberPlan {
    let access = match index % 8 {
        1 | 6 => Access::Tls(Certificate::Valid),
        2 => Access::Onion,
        3 => Access::I2p,
        4 => Access::Loki,
        _ => Access::Loopback,
    };
    let weight = 4.0 / (1.0 + index as f64);
    MemberPlan::new(Behaviour::Healthy)
        .access(access)
        .weight(weight.max(0.1))
}

impl MemberPlan {
    /// A member on loopback with an ordinary document and an ordinary share of the events.
    pub fn new(behaviour: Behaviour) -> Self {
        let weight = if behaviour.speaks_nostr() || behaviour == Behaviour::Dead {
            1.0
        } else {
            0.0
        };
        Self {
            behaviour,
            access: Access::Loopback,
            information: Information::Ordinary,
            row: "",
            weight,
            own_events: Vec::new(),
            series: None,
        }
    }

    /// A `nostr-relay-builder` relay on loopback.
    pub fn healthy() -> Self {
        Self::new(Behaviour::Healthy)
    }

    /// An honest scripted relay on loopback without events (B28).
    pub fn empty() -> Self {
        Self::new(Behaviour::Honest).weight(0.0)
    }

    /// Sets how it is reached.
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Sets its NIP-11 document.
    pub fn information(mut self, information: Information) -> Self {
        self.information = information;
        self
    }

    /// Sets its share of the fleet's events.
    pub fn weight(mut self, weight: f64) -> Self {
        self.weight = weight;
        self
    }

    /// Gives it events of its own.
    pub fn own_events(mut self, events: Vec<Event>) -> Self {
        self.own_events = events;
        self
    }

    /// Gives it a share of a series, too, which it makes as it is asked. [`Member::holds`](crate::Member::holds) does not tell of it.
    pub fn series(mut self, share: Share) -> Self {
        self.series = Some(share);
        self
    }

    /// Names the scenario row that it stands for.
    pub fn row(mut self, row: &'static str) -> Self {
        self.row = row;
        self
    }

    /// Whether a monitor that may connect here finds Nostr: the behaviour speaks it and nothing about the
    /// address or the certificate forbids the connection.
    pub fn is_promotable(&self) -> bool {
        let is_reachable = match &self.access {
            Access::Tls(certificate) => *certificate == Certificate::Valid,
            Access::Dns(_) => false,
            Access::Loopback | Access::Onion | Access::I2p | Access::Loki => true,
        };
        is_reachable && self.behaviour.speaks_nostr()
    }
}

/// One member for each scenario that concerns a relay.
pub fn scenarios() -> Vec<MemberPlan> {
    let second = Duration::from_secs(1);
    // A thousand events a second is endless enough and leaves the machine to the others.
    let millisecond = Duration::from_millis(1);
    let plain = |row, behaviour| MemberPlan::new(behaviour).row(row);
    let documented = |row, information| MemberPlan::healthy().row(row).information(information);
    let certified = |certificate| {
        MemberPlan::healthy()
            .row("B24")
            .access(Access::Tls(certificate))
    };
    let resolving = |address: &str| {
        let address = address.parse().expect("a literal address");
        MemberPlan::new(Behaviour::Honest)
            .row("B23")
            .access(Access::Dns(vec![address]))
    };
    vec![
        plain("B1", Behaviour::Silent),
        plain("B2", Behaviour::NonJson),
        plain("B3", Behaviour::ClosedAuthRequired),
        plain("B4", Behaviour::AuthFirst),
        plain("B5", Behaviour::RateLimited { every: 20 }),
        plain("B6", Behaviour::Unanswered { every: 50 }),
        plain("B7", Behaviour::DisconnectAfter { events: 200 }),
        plain("B8", Behaviour::Cap { limit: 100 }),
        plain("B9", Behaviour::OldestFirst { cap: 500 }),
        plain("B10", Behaviour::RandomOrder { cap: 100 }),
        plain(
            "B11",
            Behaviour::BurstSecond {
                events: 300,
                cap: 100,
            },
        ),
        plain("B12", Behaviour::IgnoresTimeBounds { cap: 500 }),
        plain("B13", Behaviour::Liar),
        plain("B14", Behaviour::Endless { pace: millisecond }),
        plain("B15", Behaviour::HugeFrame { bytes: 50 << 20 }),
        plain("B16", Behaviour::SlowHandshake { pace: second }),
        plain("B16", Behaviour::SlowFrame { pace: second }),
        plain("B16", Behaviour::SlowTls { pace: second }).access(Access::Tls(Certificate::Valid)),
        documented("B16", Information::SlowBody { pace: second }),
        plain("B17", Behaviour::HugeTags),
        plain("B18", Behaviour::LongIdentifier),
        documented("B19", Information::NulCharacter),
        documented("B19", Information::LoneSurrogate),
        documented("B19", Information::HugeName).access(Access::Onion),
        documented("B20", Information::ImpossibleWork).access(Access::Tls(Certificate::Valid)),
        documented("B21", Information::WildNumbers),
        documented("B22", Information::Redirected(Redirect::Loopback)),
        documented("B22", Information::Redirected(Redirect::MetadataService)),
        documented("B22", Information::Redirected(Redirect::Itself)),
        resolving("127.0.0.1"),
        resolving("10.0.0.1"),
        resolving("::1"),
        resolving("169.254.169.254"),
        resolving("2002:7f00:1::"),
        certified(Certificate::SelfSigned),
        certified(Certificate::Expired),
        certified(Certificate::NotYetValid),
        certified(Certificate::WrongName),
        plain("B25", Behaviour::Forgetful),
        plain(
            "B26",
            Behaviour::Refuses {
                reason: REFUSALS[0],
            },
        ),
        plain("B27", Behaviour::NeedsKinds),
        MemberPlan::empty().row("B28"),
        plain("B30", Behaviour::Dead),
        plain("B30", Behaviour::AcceptsThenCloses),
        plain("", Behaviour::RefusesScraping),
        plain("", Behaviour::NeverPongs),
        plain("", Behaviour::WrongSubscription),
        plain("", Behaviour::NoticeOnly),
        plain("", Behaviour::ChatServer),
        plain("", Behaviour::ImmediateDisconnect),
        plain("", Behaviour::HttpOnly { status: 200 }),
        plain("", Behaviour::HttpOnly { status: 404 }),
        documented("", Information::Missing),
        documented("", Information::Html),
        documented("", Information::TrailingComma),
        documented("", Information::NumberForList),
    ]
}
