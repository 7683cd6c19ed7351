//! What a relay asks of its users (`R`) and what kind of relay it is (`T`).

use super::Rtt;
use super::rtt::Phase;
use super::tags::TagWriter;
use crate::event::Tag;
use crate::nip11::RelayInformation;
use crate::tag_values;

/// Words that relays use when they want to be paid; there is no machine-readable prefix for it.
const MONEY_WORDS: [&str; 7] = [
    "pay",
    "paid",
    "payment",
    "payments",
    "invoice",
    "subscription",
    "admission",
];

/// What a relay asks for before it does something; `None` where that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requirements {
    /// NIP-42 authentication.
    pub auth: Option<bool>,
    /// Conditions on writing other than the rest of these, e.g. a list of members.
    pub writes: Option<bool>,
    /// Proof of work.
    pub pow: Option<bool>,
    /// Payment.
    pub payment: Option<bool>,
}

/// What the text of a CLOSED, or of an OK that says `false`, asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Authentication.
    Auth,
    /// Proof of work.
    Pow,
    /// Payment.
    Payment,
    /// Being somebody else, or writing something else.
    Policy,
    /// Nothing: the relay is busy, had an error, or does not say.
    Other,
}

impl Refusal {
    /// Reads the machine-readable prefix (NIP-01, NIP-42), and the words for payment, which has none.
    pub fn of_message(message: &str) -> Self {
        let message = message.trim().to_ascii_lowercase();
        let prefix = message.split_once(':').map_or("", |(prefix, _)| prefix);
        let mut words = message.split(|c: char| !c.is_alphanumeric());
        let is_about_money = words.any(|word| MONEY_WORDS.contains(&word));
        match prefix {
            "auth-required" => Self::Auth,
            "pow" => Self::Pow,
            "payment-required" => Self::Payment,
            "restricted" | "blocked" if is_about_money => Self::Payment,
            "restricted" | "blocked" => Self::Policy,
            "rate-limited" | "error" | "duplicate" | "mute" | "invalid" | "unsupported" => {
                Self::Other
            }
            _ if is_about_money => Self::Payment,
            _ => Self::Other,
        }
    }

    fn of(phase: &Phase) -> Option<Self> {
        match phase {
            Phase::Refused(message) => Some(Self::of_message(message)),
            Phase::NotTried | Phase::Took(_) | Phase::Failed(_) => None,
        }
    }
}

impl Requirements {
    /// What was observed, and where nothing was, what the relay says about itself. `information` is
    /// that of a document that was read, not of a failed attempt.
    pub fn observed(rtt: &Rtt, information: Option<&RelayInformation>) -> Self {
        let said = information.map(|information| &information.limitation);
        let (read, write) = (Refusal::of(&rtt.read), Refusal::of(&rtt.write));
        let asks = |what| read == Some(what) || write == Some(what);
        let has_written = rtt.write.ms().is_some();
        let has_read = rtt.read.ms().is_some();
        let observed = |what, works: bool| match (asks(what), works) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        };
        let min_pow = said.and_then(|said| said.min_pow_difficulty);
        Self {
            auth: observed(Refusal::Auth, has_written)
                .or(said.and_then(|said| said.auth_required))
                .or(has_read.then_some(false)),
            writes: observed(Refusal::Policy, has_written)
                .or(said.and_then(|said| said.restricted_writes)),
            // A probe may have been accepted because it carried work.
            pow: observed(Refusal::Pow, has_written && min_pow.is_none())
                .or(min_pow.map(|bits| bits > 0)),
            payment: observed(Refusal::Payment, has_written)
                .or(said.and_then(|said| said.payment_required)),
        }
    }

    pub(super) fn push_tags(&self, tags: &mut TagWriter) {
        for (name, value) in self.named() {
            if let Some(value) = value {
                tags.push("R", format!("{}{name}", if value { "" } else { "!" }));
            }
        }
    }

    fn named(&self) -> [(&'static str, Option<bool>); 4] {
        [
            ("auth", self.auth),
            ("payment", self.payment),
            ("writes", self.writes),
            ("pow", self.pow),
        ]
    }

    pub(super) fn from_tags(tags: &[Tag<'_>]) -> Self {
        let mut requirements = Self::default();
        for value in tag_values::values(tags, "R") {
            let (name, is_true) = match value.strip_prefix('!') {
                Some(name) => (name, false),
                None => (value, true),
            };
            match name {
                "auth" => requirements.auth = Some(is_true),
                "payment" => requirements.payment = Some(is_true),
                "writes" => requirements.writes = Some(is_true),
                "pow" => requirements.pow = Some(is_true),
                _ => {}
            }
        }
        requirements
    }
}

/// Kinds of relay that this crate can tell, by the names in use for `T`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RelayType {
    /// Offers search (NIP-50).
    Search,
    /// Hosts groups (NIP-29).
    Community,
    /// Stores binary data (NIP-95).
    Blob,
    /// Asks for payment.
    Paid,
    /// Reading and writing need authentication.
    PrivateStorage,
    /// Only reading needs authentication.
    PrivateInbox,
    /// Everybody reads, some write.
    PublicOutbox,
    /// Everybody reads and writes.
    PublicInbox,
}

impl RelayType {
    /// The name in `T` tags, e.g. `PublicInbox`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Search => "Search",
            Self::Community => "Community",
            Self::Blob => "Blob",
            Self::Paid => "Paid",
            Self::PrivateStorage => "PrivateStorage",
            Self::PrivateInbox => "PrivateInbox",
            Self::PublicOutbox => "PublicOutbox",
            Self::PublicInbox => "PublicInbox",
        }
    }

    /// The types of a relay: what it offers, and one for who may do what when that was observed.
    pub fn of(rtt: &Rtt, requirements: &Requirements, nips: &[u16]) -> Vec<Self> {
        let mut types = Vec::new();
        for (nip, relay_type) in [(50, Self::Search), (29, Self::Community), (95, Self::Blob)] {
            if nips.contains(&nip) {
                types.push(relay_type);
            }
        }
        if requirements.payment == Some(true) {
            types.push(Self::Paid);
        }
        types.extend(Self::of_access(rtt, requirements));
        types
    }

    fn of_access(rtt: &Rtt, requirements: &Requirements) -> Option<Self> {
        let Requirements {
            auth,
            writes,
            payment,
            ..
        } = *requirements;
        if Refusal::of(&rtt.read) == Some(Refusal::Auth) {
            let has_written = rtt.write.ms().is_some();
            return Some(if has_written {
                Self::PrivateInbox
            } else {
                Self::PrivateStorage
            });
        }
        rtt.read.ms()?;
        if [auth, writes, payment].contains(&Some(true)) {
            return Some(Self::PublicOutbox);
        }
        let is_known_open = [auth, writes, payment].iter().all(Option::is_some);
        is_known_open.then_some(Self::PublicInbox)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rtt(read: Phase, write: Phase) -> Rtt {
        Rtt {
            open: Phase::Took(1),
            read,
            write,
        }
    }

    fn refused(message: &str) -> Phase {
        Phase::Refused(message.to_owned())
    }

    #[test]
    fn refusals_are_read_by_prefix() {
        for (message, refusal) in [
            ("auth-required: we only serve members", Refusal::Auth),
            ("pow: 20 bits needed", Refusal::Pow),
            ("restricted: not on the list", Refusal::Policy),
            (
                "restricted: sign up and pay first at https://r",
                Refusal::Payment,
            ),
            ("blocked: you are not a paid member", Refusal::Payment),
            ("blocked: web of trust", Refusal::Policy),
            ("payment-required: 21 sats", Refusal::Payment),
            ("Payment required", Refusal::Payment),
            (
                "rate-limited: slow down, authors pay attention",
                Refusal::Other,
            ),
            ("error: no auth service", Refusal::Other),
            ("", Refusal::Other),
        ] {
            assert_eq!(Refusal::of_message(message), refusal, "{message}");
        }
    }

    #[test]
    fn a_probe_beats_what_the_relay_says() {
        let information = RelayInformation::from_value(&json!({"limitation":
            {"auth_required": true, "payment_required": true, "restricted_writes": true, "min_pow_difficulty": 8}}))
        .unwrap();
        let open = Requirements::observed(&rtt(Phase::Took(1), Phase::Took(1)), Some(&information));
        let no = Some(false);
        assert_eq!(
            open,
            Requirements {
                auth: no,
                writes: no,
                pow: Some(true),
                payment: no
            }
        );
        let said =
            Requirements::observed(&rtt(Phase::NotTried, Phase::NotTried), Some(&information));
        let yes = Some(true);
        assert_eq!(
            said,
            Requirements {
                auth: yes,
                writes: yes,
                pow: yes,
                payment: yes
            }
        );
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let nothing = Requirements::observed(&rtt(Phase::NotTried, Phase::NotTried), None);
        assert_eq!(nothing, Requirements::default());
        let mut tags = TagWriter::default();
        nothing.push_tags(&mut tags);
        assert!(tags.0.is_empty());
        let read =
            Requirements::observed(&rtt(Phase::Took(1), Phase::Failed("timeout".into())), None);
        assert_eq!(
            read,
            Requirements {
                auth: Some(false),
                ..Requirements::default()
            }
        );
    }

    #[test]
    fn types_follow_from_who_may_do_what() {
        let auth = || refused("auth-required: x");
        for (read, write, expected) in [
            (Phase::Took(1), Phase::Took(1), vec![RelayType::PublicInbox]),
            (Phase::Took(1), auth(), vec![RelayType::PublicOutbox]),
            (
                Phase::Took(1),
                refused("restricted: x"),
                vec![RelayType::PublicOutbox],
            ),
            (
                Phase::Took(1),
                refused("restricted: pay "),
                vec![RelayType::Paid, RelayType::PublicOutbox],
            ),
            (auth(), auth(), vec![RelayType::PrivateStorage]),
            (auth(), Phase::Took(1), vec![RelayType::PrivateInbox]),
            (Phase::Took(1), Phase::NotTried, vec![]),
            (Phase::Failed("x".into()), Phase::NotTried, vec![]),
        ] {
            let rtt = rtt(read, write);
            let requirements = Requirements::observed(&rtt, None);
            assert_eq!(RelayType::of(&rtt, &requirements, &[]), expected, "{rtt:?}");
        }
        let offers = RelayType::of(&Rtt::default(), &Requirements::default(), &[1, 29, 50, 95]);
        assert_eq!(
            offers,
            [RelayType::Search, RelayType::Community, RelayType::Blob]
        );
    }
}
