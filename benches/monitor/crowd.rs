//! The relays of a round.

use std::collections::BTreeSet;

use fleet::{Access, Behaviour, Certificate, Fleet, FleetPlan, MemberPlan};

/// Events for each relay, so that there is something to be read.
const EVENTS_PER_RELAY: usize = 5;

/// Who is there.
pub(crate) struct Crowd {
    pub(crate) name: &'static str,
    pub(crate) plan: FleetPlan,
}

impl Crowd {
    /// One in twenty is silent, another refuses connections, four have TLS; the others are honest.
    pub(crate) fn mixed(relays: usize) -> Self {
        let member = |index| match index % 20 {
            0 => MemberPlan::new(Behaviour::Silent),
            1 => MemberPlan::new(Behaviour::Dead),
            2..=5 => with_tls(),
            _ => MemberPlan::new(Behaviour::Honest),
        };
        Self::of("mixed", relays, member)
    }

    /// Honest relays without TLS.
    pub(crate) fn plain(relays: usize) -> Self {
        Self::of("plain", relays, |_| MemberPlan::new(Behaviour::Honest))
    }

    /// Honest relays with TLS.
    pub(crate) fn tls(relays: usize) -> Self {
        Self::of("TLS", relays, |_| with_tls())
    }

    fn of(name: &'static str, relays: usize, member: impl Fn(usize) -> MemberPlan) -> Self {
        let plan = FleetPlan::new(1).events(EVENTS_PER_RELAY * relays);
        Self {
            name,
            plan: (0..relays).map(member).fold(plan, FleetPlan::member),
        }
    }
}

/// The URLs that a correct monitor publishes about, without the last slash.
pub(crate) fn that_answer(fleet: &Fleet) -> BTreeSet<String> {
    let honest = fleet
        .members()
        .iter()
        .filter(|member| *member.behaviour() == Behaviour::Honest);
    let urls = honest.map(|member| member.url().as_str().trim_end_matches('/').to_owned());
    urls.collect()
}

fn with_tls() -> MemberPlan {
    MemberPlan::new(Behaviour::Honest).access(Access::Tls(Certificate::Valid))
}
