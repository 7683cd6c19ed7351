//! Whether a relay does what its information document says: each NIP that it lists and each limit that it
//! states, with what was observed.
//!
//! NIP-66 has no tag for that. Published is a label for each claim, in a namespace of ours beside those of
//! the extension: `["l", "nip-50:no", "nip66.label.claim"]`, `["l", "max_limit:yes", "nip66.label.claim"]`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::labels::{self, Labels};
use crate::event::Tag;
use crate::nip11::{Limitation, RelayInformation};

/// Most NIPs of one relay that are audited, lowest first. Relays that list more list whatever there is.
const MAX_NIPS: usize = 64;

/// Most labels read from one event: every claim that is audited fits in.
const MAX_LABELS: usize = 96;

/// Something that a relay says about itself and that can be held against what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Claim {
    /// It lists this NIP.
    Nip(u16),
    /// It states this limit.
    Limit(Limit),
}

/// A field of `limitation` in the information document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// `max_message_length`
    MaxMessageLength,
    /// `max_subscriptions`
    MaxSubscriptions,
    /// `max_filters`
    MaxFilters,
    /// `max_limit`
    MaxLimit,
    /// `max_subid_length`
    MaxSubidLength,
    /// `max_event_tags`
    MaxEventTags,
    /// `max_content_length`
    MaxContentLength,
    /// `min_pow_difficulty`
    MinPowDifficulty,
    /// `auth_required`
    AuthRequired,
    /// `payment_required`
    PaymentRequired,
    /// `restricted_writes`
    RestrictedWrites,
    /// `created_at_lower_limit`
    CreatedAtLowerLimit,
    /// `created_at_upper_limit`
    CreatedAtUpperLimit,
    /// `default_limit`
    DefaultLimit,
}

/// What a limit is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Stated {
    /// For `auth_required` and its like.
    Flag(bool),
    /// For all others.
    Number(u64),
}

/// What was seen of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Observed {
    /// The relay does what it says.
    Yes,
    /// It does not.
    No,
    /// Nothing that was asked, or may be asked, shows it.
    Untestable,
}

/// A claim and what was seen of it. Of these, claim and observation are published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimFinding {
    /// The claim.
    pub claim: Claim,
    /// What the document says, for limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stated: Option<Stated>,
    /// The verdict.
    pub observed: Observed,
    /// How many there were, where something was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<u64>,
    /// What the verdict rests on, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// An audit of one relay.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClaimAudit {
    /// Every claim, NIPs first.
    pub findings: Vec<ClaimFinding>,
    /// What was said, shortened: `> ["COUNT",…` is ours, `< ["NOTICE",…` the relay's. Not published.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transcript: Vec<String>,
}

impl Limit {
    /// All limits, in the order of NIP-11.
    pub const ALL: [Self; 14] = [
        Self::MaxMessageLength,
        Self::MaxSubscriptions,
        Self::MaxFilters,
        Self::MaxLimit,
        Self::MaxSubidLength,
        Self::MaxEventTags,
        Self::MaxContentLength,
        Self::MinPowDifficulty,
        Self::AuthRequired,
        Self::PaymentRequired,
        Self::RestrictedWrites,
        Self::CreatedAtLowerLimit,
        Self::CreatedAtUpperLimit,
        Self::DefaultLimit,
    ];

    /// The name of the field.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MaxMessageLength => "max_message_length",
            Self::MaxSubscriptions => "max_subscriptions",
            Self::MaxFilters => "max_filters",
            Self::MaxLimit => "max_limit",
            Self::MaxSubidLength => "max_subid_length",
            Self::MaxEventTags => "max_event_tags",
            Self::MaxContentLength => "max_content_length",
            Self::MinPowDifficulty => "min_pow_difficulty",
            Self::AuthRequired => "auth_required",
            Self::PaymentRequired => "payment_required",
            Self::RestrictedWrites => "restricted_writes",
            Self::CreatedAtLowerLimit => "created_at_lower_limit",
            Self::CreatedAtUpperLimit => "created_at_upper_limit",
            Self::DefaultLimit => "default_limit",
        }
    }

    /// What a document states, if it states this limit.
    pub fn stated(self, limitation: &Limitation) -> Option<Stated> {
        let number = |value: Option<u64>| value.map(Stated::Number);
        let flag = |value: Option<bool>| value.map(Stated::Flag);
        match self {
            Self::MaxMessageLength => number(limitation.max_message_length),
            Self::MaxSubscriptions => number(limitation.max_subscriptions),
            Self::MaxFilters => number(limitation.max_filters),
            Self::MaxLimit => number(limitation.max_limit),
            Self::MaxSubidLength => number(limitation.max_subid_length),
            Self::MaxEventTags => number(limitation.max_event_tags),
            Self::MaxContentLength => number(limitation.max_content_length),
            Self::MinPowDifficulty => number(limitation.min_pow_difficulty),
            Self::AuthRequired => flag(limitation.auth_required),
            Self::PaymentRequired => flag(limitation.payment_required),
            Self::RestrictedWrites => flag(limitation.restricted_writes),
            Self::CreatedAtLowerLimit => number(limitation.created_at_lower_limit),
            Self::CreatedAtUpperLimit => number(limitation.created_at_upper_limit),
            Self::DefaultLimit => number(limitation.default_limit),
        }
    }
}

impl Claim {
    /// Everything that a document claims and that is audited, with what it states of limits.
    pub fn all_of(information: &RelayInformation) -> Vec<(Self, Option<Stated>)> {
        let nips = information.supported_nips.iter().take(MAX_NIPS);
        let nips = nips.map(|nip| (Self::Nip(*nip), None));
        let limits = Limit::ALL.into_iter().filter_map(|limit| {
            let stated = limit.stated(&information.limitation)?;
            Some((Self::Limit(limit), Some(stated)))
        });
        nips.chain(limits).collect()
    }
}

/// `nip-50` or `max_limit`.
impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nip(nip) => write!(f, "nip-{nip:02}"),
            Self::Limit(limit) => f.write_str(limit.as_str()),
        }
    }
}

/// The text names no claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a NIP or a limit of NIP-11")]
pub struct UnknownClaim;

impl FromStr for Claim {
    type Err = UnknownClaim;

    fn from_str(text: &str) -> Result<Self, UnknownClaim> {
        if let Some(nip) = text.strip_prefix("nip-") {
            return nip.parse().map(Self::Nip).map_err(|_| UnknownClaim);
        }
        let limit = Limit::ALL.into_iter().find(|limit| limit.as_str() == text);
        limit.map(Self::Limit).ok_or(UnknownClaim)
    }
}

impl Serialize for Claim {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Claim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl Observed {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Yes, Self::No, Self::Untestable];

    /// `yes`, `no` or `untestable`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Untestable => "untestable",
        }
    }
}

impl ClaimAudit {
    /// Whether the relay was seen not to support a NIP that it lists.
    pub fn refutes(&self, nip: u16) -> bool {
        let is_refutation = |finding: &ClaimFinding| {
            finding.claim == Claim::Nip(nip) && finding.observed == Observed::No
        };
        self.findings.iter().any(is_refutation)
    }

    /// How many claims have this verdict.
    pub fn count(&self, observed: Observed) -> usize {
        let findings = self.findings.iter();
        findings.filter(|it| it.observed == observed).count()
    }

    /// Whether another audit came to the same verdicts on the same claims, whatever was said.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let verdict = |it: &ClaimFinding| (it.claim, it.stated, it.observed);
        let verdicts = self.findings.iter().map(verdict);
        verdicts.eq(other.findings.iter().map(verdict))
    }

    /// Drops what a newer document does not claim any more, or claims differently.
    pub fn keep_claims_of(&mut self, information: &RelayInformation) {
        let claims = Claim::all_of(information);
        self.findings
            .retain(|finding| claims.contains(&(finding.claim, finding.stated)));
    }

    pub(super) fn collect_labels(&self, labels: &mut Labels) {
        for finding in &self.findings {
            let verdict = format!("{}:{}", finding.claim, finding.observed.as_str());
            labels.add(labels::CLAIM, verdict);
        }
    }

    pub(super) fn from_tags(tags: &[Tag<'_>]) -> Option<Self> {
        let labels = labels::values(tags, labels::CLAIM, MAX_LABELS);
        let findings: Vec<_> = labels.iter().filter_map(|text| published(text)).collect();
        let audit = Self {
            findings,
            transcript: Vec::new(),
        };
        (!audit.findings.is_empty()).then_some(audit)
    }
}

/// A finding as far as a label tells it.
fn published(label: &str) -> Option<ClaimFinding> {
    let (claim, observed) = label.split_once(':')?;
    let observed = Observed::ALL
        .into_iter()
        .find(|it| it.as_str() == observed)?;
    Some(ClaimFinding {
        claim: claim.parse().ok()?,
        stated: None,
        observed,
        measured: None,
        reason: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn information() -> RelayInformation {
        let document = json!({
            "supported_nips": [50, 1, 45],
            "limitation": { "max_limit": 500, "auth_required": false },
        });
        RelayInformation::from_value(&document).unwrap()
    }

    fn finding(claim: &str, stated: Option<Stated>, observed: Observed) -> ClaimFinding {
        ClaimFinding {
            claim: claim.parse().unwrap(),
            stated,
            observed,
            measured: None,
            reason: "because".to_owned(),
        }
    }

    #[test]
    fn a_document_claims_nips_and_limits() {
        let claims = Claim::all_of(&information());
        let texts: Vec<String> = claims.iter().map(|(claim, _)| claim.to_string()).collect();
        assert_eq!(
            texts,
            ["nip-01", "nip-45", "nip-50", "max_limit", "auth_required"]
        );
        assert_eq!(claims[3].1, Some(Stated::Number(500)));
        assert_eq!(claims[4].1, Some(Stated::Flag(false)));
    }

    #[test]
    fn every_claim_is_read_as_it_is_written() {
        let limits = Limit::ALL.map(Claim::Limit);
        let nips = [Claim::Nip(1), Claim::Nip(77), Claim::Nip(65_535)];
        for claim in limits.into_iter().chain(nips) {
            assert_eq!(claim.to_string().parse(), Ok(claim));
        }
        for text in ["", "nip-", "nip-x", "nip-70000", "max_fun", "50"] {
            assert_eq!(text.parse::<Claim>(), Err(UnknownClaim), "{text}");
        }
    }

    #[test]
    fn the_document_of_an_audit_is_read_as_it_is_written() {
        let audit = ClaimAudit {
            findings: vec![
                finding("nip-50", None, Observed::No),
                finding("max_limit", Some(Stated::Number(500)), Observed::Yes),
                finding("auth_required", Some(Stated::Flag(true)), Observed::Yes),
            ],
            transcript: vec!["> []".to_owned()],
        };
        let text = serde_json::to_string(&audit).unwrap();
        assert_eq!(serde_json::from_str::<ClaimAudit>(&text).unwrap(), audit);
        assert!(audit.refutes(50) && !audit.refutes(45));
        assert_eq!(audit.count(Observed::Yes), 2);
    }

    #[test]
    fn what_is_no_longer_claimed_is_dropped() {
        let mut audit = ClaimAudit {
            findings: vec![
                finding("nip-50", None, Observed::No),
                finding("nip-77", None, Observed::Yes),
                finding("max_limit", Some(Stated::Number(100)), Observed::Yes),
                finding("auth_required", Some(Stated::Flag(false)), Observed::Yes),
            ],
            transcript: Vec::new(),
        };
        let before = audit.clone();
        audit.keep_claims_of(&information());
        let kept: Vec<String> = audit
            .findings
            .iter()
            .map(|it| it.claim.to_string())
            .collect();
        assert_eq!(kept, ["nip-50", "auth_required"]);
        assert!(!audit.agrees_with(&before) && audit.agrees_with(&audit.clone()));
    }

    #[test]
    fn labels_that_say_nothing_are_passed_over() {
        for label in ["nip-50", "nip-50:perhaps", "nip-x:yes", ":yes", "yes"] {
            assert_eq!(published(label), None, "{label}");
        }
    }
}
