//! What the operator decided while the relay ran (NIP-86), beside what is configured.
//!
//! A decision is about one subject, and comes before what the configuration says about it. Each is a row of the
//! state of services, so that it survives a restart:
//!
//! ```text
//! key: "author 3bf0…"    value: {"decision":"banned","text":"spam"}
//! key: "address 10.0.0.1"      {"decision":"banned","text":""}
//! key: "name"                  {"decision":"set","text":"Our archive"}
//! ```

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use nips::{EventId, Kind, PublicKey};
use serde_json::{Value, json};

use super::settings::RelayInfo;
use crate::model::AddressBlock;
use crate::store::events::Banned;

/// What can be decided about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    Author(PublicKey),
    Event(EventId),
    Kind(Kind),
    Address(IpAddr),
    Name,
    Description,
    Icon,
}

/// What was decided, and why, or which text was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    pub(super) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Let in, whatever is configured.
    Allowed,
    /// Kept out; events are shown to nobody either.
    Banned,
    /// The text is what counts.
    Set,
}

/// All decisions of one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Decisions {
    all: BTreeMap<Subject, Decision>,
    /// What readers are not shown, found among them once.
    banned: Arc<Banned>,
    /// The machines that banned addresses belong to, likewise.
    blocked: Arc<HashSet<AddressBlock>>,
}

impl Decisions {
    /// The decisions of rows; what cannot be read is left out, as by a version that does not know it.
    pub(super) fn from_rows<'r>(rows: impl Iterator<Item = (&'r str, &'r Value)>) -> Self {
        let all = rows
            .filter_map(|(key, value)| {
                Some((Subject::from_key(key)?, Decision::from_value(value)?))
            })
            .collect();
        let mut decisions = Self {
            all,
            ..Self::default()
        };
        decisions.gather();
        decisions
    }

    /// These decisions with one more, or with one taken back.
    pub(super) fn with(&self, subject: Subject, decision: Option<Decision>) -> Self {
        let mut changed = self.clone();
        match decision {
            Some(decision) => changed.all.insert(subject, decision),
            None => changed.all.remove(&subject),
        };
        changed.gather();
        changed
    }

    fn gather(&mut self) {
        let (mut banned, mut blocked) = (Banned::default(), HashSet::new());
        for (subject, decision) in &self.all {
            if decision.verdict != Verdict::Banned {
                continue;
            }
            match subject {
                Subject::Author(author) => _ = banned.authors.insert(*author),
                Subject::Event(id) => _ = banned.events.insert(*id),
                Subject::Address(address) => _ = blocked.insert(AddressBlock::of_host(*address)),
                Subject::Kind(_) | Subject::Name | Subject::Description | Subject::Icon => {}
            }
        }
        self.banned = Arc::new(banned);
        self.blocked = Arc::new(blocked);
    }

    /// What was decided about a subject.
    pub(super) fn about(&self, subject: Subject) -> Option<Verdict> {
        self.all.get(&subject).map(|decision| decision.verdict)
    }

    /// All subjects with their decisions.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Subject, &Decision)> {
        self.all.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// What readers are not shown.
    pub(super) fn banned(&self) -> Arc<Banned> {
        Arc::clone(&self.banned)
    }

    /// Whether clients from there are kept out. An IPv6 address counts as its /64.
    pub(super) fn blocks(&self, peer: IpAddr) -> bool {
        !self.blocked.is_empty() && self.blocked.contains(&AddressBlock::of_host(peer))
    }

    /// The identity that is in force where this one is configured.
    pub(super) fn identity(&self, configured: &RelayInfo) -> RelayInfo {
        let mut info = configured.clone();
        let set = |subject| self.all.get(&subject).map(|decision| decision.text.clone());
        if let Some(name) = set(Subject::Name) {
            info.name = name;
        }
        if let Some(description) = set(Subject::Description) {
            info.description = description;
        }
        if let Some(icon) = set(Subject::Icon) {
            info.icon = Some(icon);
        }
        info
    }
}

impl Subject {
    /// The key of the row.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Author(author) => format!("author {author}"),
            Self::Event(id) => format!("event {id}"),
            Self::Kind(kind) => format!("kind {}", kind.0),
            Self::Address(address) => format!("address {address}"),
            Self::Name => "name".to_owned(),
            Self::Description => "description".to_owned(),
            Self::Icon => "icon".to_owned(),
        }
    }

    fn from_key(key: &str) -> Option<Self> {
        Some(match key.split_once(' ') {
            Some(("author", hex)) => Self::Author(hex.parse().ok()?),
            Some(("event", hex)) => Self::Event(hex.parse().ok()?),
            Some(("kind", number)) => Self::Kind(Kind(number.parse().ok()?)),
            Some(("address", address)) => Self::Address(address.parse().ok()?),
            None if key == "name" => Self::Name,
            None if key == "description" => Self::Description,
            None if key == "icon" => Self::Icon,
            _ => return None,
        })
    }
}

impl Decision {
    pub(super) fn allowed(reason: String) -> Self {
        Self::new(Verdict::Allowed, reason)
    }

    pub(super) fn banned(reason: String) -> Self {
        Self::new(Verdict::Banned, reason)
    }

    pub(super) fn set(text: String) -> Self {
        Self::new(Verdict::Set, text)
    }

    fn new(verdict: Verdict, text: String) -> Self {
        Self { verdict, text }
    }

    /// The value of the row.
    pub(super) fn to_value(&self) -> Value {
        json!({"decision": self.verdict.as_str(), "text": self.text})
    }

    fn from_value(value: &Value) -> Option<Self> {
        let verdict = Verdict::from_name(value["decision"].as_str()?)?;
        Some(Self::new(verdict, value["text"].as_str()?.to_owned()))
    }
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Banned => "banned",
            Self::Set => "set",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Allowed, Self::Banned, Self::Set];
        all.into_iter().find(|verdict| verdict.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_survive_as_rows() {
        let (author, id) = (PublicKey([1; 32]), EventId([2; 32]));
        let decisions = [
            (Subject::Author(author), Decision::banned("spam".to_owned())),
            (
                Subject::Author(PublicKey([3; 32])),
                Decision::allowed(String::new()),
            ),
            (Subject::Event(id), Decision::banned(String::new())),
            (Subject::Kind(Kind(4)), Decision::banned(String::new())),
            (
                Subject::Address("2001:db8::1".parse().unwrap()),
                Decision::banned("flood".to_owned()),
            ),
            (Subject::Name, Decision::set("a name".to_owned())),
        ];
        let rows: Vec<(String, Value)> = decisions
            .iter()
            .map(|(subject, decision)| (subject.key(), decision.to_value()))
            .chain([
                ("moon".to_owned(), json!({"decision": "set", "text": ""})),
                ("icon".to_owned(), json!({"decision": "eaten", "text": ""})),
            ])
            .collect();
        let rows = rows.iter().map(|(key, value)| (key.as_str(), value));
        let read = Decisions::from_rows(rows);
        assert_eq!(read.len(), decisions.len());
        assert!(
            decisions
                .iter()
                .all(|(subject, decision)| { read.iter().any(|row| row == (subject, decision)) })
        );
        let banned = read.banned();
        assert_eq!(banned.authors, HashSet::from([author]));
        assert_eq!(banned.events, HashSet::from([id]));
        assert!(read.blocks("2001:db8::2".parse().unwrap()));
        assert!(!read.blocks("2001:db8:1::2".parse().unwrap()));
        let info = read.identity(&RelayInfo::default());
        assert_eq!((info.name.as_str(), info.icon), ("a name", None));
        let undone = read.with(Subject::Author(author), None);
        assert!(undone.banned().authors.is_empty());
    }
}
