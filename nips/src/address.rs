//! Addresses of replaceable and addressable events (NIP-01): `<kind>:<pubkey>:<d>`.

use std::fmt;
use std::str::FromStr;

use crate::kind::KindClass;
use crate::{EventRef, Kind, PublicKey, tag_values};

/// What the versions of a replaceable or addressable event have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// A replaceable or addressable kind.
    kind: Kind,
    pubkey: PublicKey,
    /// The `d` value; empty for replaceable kinds.
    identifier: String,
}

/// A text that is no address, or one of a kind that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the address of a replaceable or addressable event")]
pub struct NoAddress;

impl Address {
    /// The address that an event is a version of; `None` for kinds that are not replaced.
    pub fn of(event: &EventRef<'_>) -> Option<Self> {
        let identifier = match event.kind.class() {
            KindClass::Replaceable => String::new(),
            KindClass::Addressable => tag_values::identifier(&event.tags()).to_owned(),
            KindClass::Regular | KindClass::Ephemeral => return None,
        };
        Some(Self {
            kind: event.kind,
            pubkey: event.pubkey,
            identifier,
        })
    }

    /// The kind, replaceable or addressable.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The author.
    pub fn pubkey(&self) -> PublicKey {
        self.pubkey
    }

    /// The `d` value; `""` for replaceable kinds.
    pub fn identifier(&self) -> &str {
        &self.identifier
    }
}

impl FromStr for Address {
    type Err = NoAddress;

    /// Parses `<kind>:<pubkey>:<d>`; what follows the second colon is the `d` value, colons included.
    /// The second colon may be missing, as it often is for replaceable kinds.
    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let (kind, rest) = text.split_once(':').ok_or(NoAddress)?;
        let (pubkey, identifier) = rest.split_once(':').unwrap_or((rest, ""));
        let kind = parse_kind(kind).ok_or(NoAddress)?;
        let identifier = match kind.class() {
            KindClass::Addressable => identifier,
            KindClass::Replaceable if identifier.is_empty() => "",
            _ => return Err(NoAddress),
        };
        Ok(Self {
            kind,
            pubkey: PublicKey::from_hex(pubkey).map_err(|_| NoAddress)?,
            identifier: identifier.to_owned(),
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.kind, self.pubkey, self.identifier)
    }
}

/// Reads a kind as digits only: `+1` and `01` are other texts and so no kinds.
fn parse_kind(text: &str) -> Option<Kind> {
    let number: u16 = text.parse().ok()?;
    (number.to_string() == text).then_some(Kind(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_event::event;

    #[test]
    fn text_round_trips() {
        let key = "ab".repeat(32);
        for text in [
            format!("30023:{key}:a:b:c"),
            format!("30023:{key}:"),
            format!("10002:{key}:"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        let short: Address = format!("3:{key}").parse().unwrap();
        assert_eq!(short.to_string(), format!("3:{key}:"));
    }

    #[test]
    fn other_texts_are_refused() {
        let key = "ab".repeat(32);
        for text in [
            String::new(),
            format!("1:{key}:"),
            format!("20001:{key}:"),
            format!("10002:{key}:d"),
            format!("+30023:{key}:"),
            format!("030023:{key}:"),
            format!("95536:{key}:"),
            format!("30023:{}:d", key.to_uppercase()),
            "30023:d".to_owned(),
        ] {
            assert_eq!(text.parse::<Address>(), Err(NoAddress), "{text}");
        }
    }

    #[test]
    fn events_have_the_address_of_their_class() {
        let tags: &[&[&str]] = &[&["d", "x:y"], &["d", "z"]];
        let address = |kind| Address::of(&event(kind, tags, "").as_ref());
        assert_eq!(address(30_023).unwrap().identifier(), "x:y");
        assert_eq!(address(10_002).unwrap().identifier(), "");
        assert_eq!(address(1), None);
    }
}
