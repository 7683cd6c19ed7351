//! NIP-11 relay information documents, read leniently into capped fields.
//!
//! A document is written by strangers: numbers arrive as text, lists as a single value, the whole of
//! it as a JSON string, names of a megabyte, U+0000. What can be read is kept, cleaned and cut; what
//! cannot is as if it were absent. Only a body that is no JSON object at all is an error.

mod fees;
mod lenient;
mod limitation;
mod surrogates;

use serde::Serialize;
use serde_json::Value;

pub use fees::{Fee, Fees, Retention};
pub use limitation::Limitation;

use crate::PublicKey;
use crate::canonical_json::to_canonical_json;
use lenient::{line, lines, paragraph, small_integers};

/// The media type to ask for and to answer with.
pub const MEDIA_TYPE: &str = "application/nostr+json";

/// Largest body that is read, bytes. Documents are a few kilobytes; those in the wild that pass this
/// are web pages.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// Longest `name`, bytes; NIP-11 advises fewer than 30 characters.
const MAX_NAME_BYTES: usize = 256;

/// Longest `description`, bytes: a page of text.
const MAX_DESCRIPTION_BYTES: usize = 8192;

/// Longest URL and other single line, bytes. Below the 2,704 that a PostgreSQL index entry can hold,
/// since some of these are grouped by.
const MAX_LINE_BYTES: usize = 1024;

/// Longest `version` and key, bytes. Longer ones are build logs.
const MAX_SHORT_BYTES: usize = 128;

/// Longest country, language tag or topic, bytes.
const MAX_LABEL_BYTES: usize = 64;

/// Most countries, languages or topics.
const MAX_LABELS: usize = 64;

/// Most attributes, as proposed for NIP-11.
const MAX_ATTRIBUTES: usize = 9;

/// Most NIPs: about three times the numbers in use.
const MAX_NIPS: usize = 512;

/// Words by which relays ask to be left alone by those who archive; the second is the older one.
pub const NO_ARCHIVE: [&str; 2] = ["no-archive", "no-crawl"];

/// What a relay says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct RelayInformation {
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Description, plain text, may have several lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Wide picture, URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banner: Option<String>,
    /// Square picture, URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// The administrator's key as written; see [`Self::administrator`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pubkey: Option<String>,
    /// The relay's own key as written; see [`Self::own_key`].
    #[serde(rename = "self", skip_serializing_if = "Option::is_none")]
    pub self_pubkey: Option<String>,
    /// How to reach the administrator, a URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// NIPs, ascending, without repeats. Identifiers that are no number are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub supported_nips: Vec<u16>,
    /// Software, a URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
    /// Version of the software.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Terms of service, URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms_of_service: Option<String>,
    /// Where to pay, URL. `payment_url` is read too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payments_url: Option<String>,
    /// What the relay enforces.
    #[serde(skip_serializing_if = "Limitation::is_empty")]
    pub limitation: Limitation,
    /// What the relay charges.
    #[serde(skip_serializing_if = "Fees::is_empty")]
    pub fees: Fees,
    /// Attributes in words of letters, proposed for NIP-11 (published as `W` by NIP-66).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
    /// ISO 3166-1 codes or `*`; removed from NIP-11 in 2026, as all that follow.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub relay_countries: Vec<String>,
    /// IETF language tags or `*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub language_tags: Vec<String>,
    /// Topics.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Posting policy, URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub posting_policy: Option<String>,
    /// Privacy policy, URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privacy_policy: Option<String>,
    /// What the relay keeps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub retention: Vec<Retention>,
}

/// Why a body is no relay information document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InformationError {
    /// More than [`MAX_BODY_BYTES`].
    #[error("document is larger than {MAX_BODY_BYTES} bytes")]
    TooLarge,
    /// Nothing but white space.
    #[error("document is empty")]
    Empty,
    /// Not JSON.
    #[error("document is not JSON: {0}")]
    NotJson(String),
    /// JSON, but no object.
    #[error("document is not a JSON object")]
    NotAnObject,
}

impl InformationError {
    /// The stable label of the reason.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::Empty => "empty",
            Self::NotJson(_) => "not-json",
            Self::NotAnObject => "not-an-object",
        }
    }
}

impl RelayInformation {
    /// Reads the body of an HTTP answer. Bytes that are not UTF-8 are replaced.
    ///
    /// # Errors
    /// [`InformationError`] when there is no JSON object in the body.
    pub fn parse(body: &[u8]) -> Result<Self, InformationError> {
        if body.len() > MAX_BODY_BYTES {
            return Err(InformationError::TooLarge);
        }
        let text = String::from_utf8_lossy(body);
        match read_json(&text)? {
            Value::String(inner) => Self::from_value(&read_json(&inner)?),
            value => Self::from_value(&value),
        }
    }

    /// Reads a document that is JSON already.
    ///
    /// # Errors
    /// [`InformationError::NotAnObject`].
    pub fn from_value(value: &Value) -> Result<Self, InformationError> {
        if !value.is_object() {
            return Err(InformationError::NotAnObject);
        }
        let short = |name: &str| field(value, name).and_then(|text| line(text, MAX_SHORT_BYTES));
        let url = |name: &str| field(value, name).and_then(|text| line(text, MAX_LINE_BYTES));
        let labels = |name: &str| {
            field(value, name)
                .map(|list| lines(list, MAX_LABELS, MAX_LABEL_BYTES))
                .unwrap_or_default()
        };
        Ok(Self {
            name: field(value, "name").and_then(|text| line(text, MAX_NAME_BYTES)),
            description: field(value, "description")
                .and_then(|text| paragraph(text, MAX_DESCRIPTION_BYTES)),
            banner: url("banner"),
            icon: url("icon"),
            pubkey: short("pubkey"),
            self_pubkey: short("self"),
            contact: url("contact"),
            supported_nips: supported_nips(value),
            software: url("software"),
            version: short("version"),
            terms_of_service: url("terms_of_service"),
            payments_url: url("payments_url").or_else(|| url("payment_url")),
            limitation: field(value, "limitation")
                .map(Limitation::from_value)
                .unwrap_or_default(),
            fees: field(value, "fees")
                .map(Fees::from_value)
                .unwrap_or_default(),
            attributes: attributes(value),
            relay_countries: labels("relay_countries"),
            language_tags: labels("language_tags"),
            tags: labels("tags"),
            posting_policy: url("posting_policy"),
            privacy_policy: url("privacy_policy"),
            retention: field(value, "retention")
                .map(fees::retention)
                .unwrap_or_default(),
        })
    }

    /// The administrator's key, if it is a key in hex.
    pub fn administrator(&self) -> Option<PublicKey> {
        PublicKey::from_hex(self.pubkey.as_ref()?).ok()
    }

    /// The relay's own key, if it is a key in hex.
    pub fn own_key(&self) -> Option<PublicKey> {
        PublicKey::from_hex(self.self_pubkey.as_ref()?).ok()
    }

    /// Whether it asks not to be archived: one of [`NO_ARCHIVE`] among its tags.
    pub fn wants_no_archive(&self) -> bool {
        let mut tags = self.tags.iter();
        tags.any(|tag| NO_ARCHIVE.contains(&tag.as_str()))
    }

    /// The document as canonical JSON: what is stored, hashed, published in 30166 and served.
    pub fn to_json(&self) -> String {
        to_canonical_json(self).expect("fields are text, numbers and lists")
    }
}

fn read_json(text: &str) -> Result<Value, InformationError> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(InformationError::Empty);
    }
    serde_json::from_str(&surrogates::mended(text))
        .map_err(|error| InformationError::NotJson(error.to_string()))
}

fn field<'v>(document: &'v Value, name: &str) -> Option<&'v Value> {
    document.get(name).filter(|value| !value.is_null())
}

fn supported_nips(document: &Value) -> Vec<u16> {
    let mut nips = field(document, "supported_nips")
        .map(small_integers)
        .unwrap_or_default();
    nips.truncate(MAX_NIPS);
    nips
}

fn attributes(document: &Value) -> Vec<String> {
    let is_word = |text: &String| text.bytes().all(|byte| byte.is_ascii_alphabetic());
    let all = field(document, "attributes")
        .map(|list| lines(list, MAX_LABELS, MAX_LABEL_BYTES))
        .unwrap_or_default();
    all.into_iter()
        .filter(is_word)
        .take(MAX_ATTRIBUTES)
        .collect()
}

#[cfg(test)]
mod tests;
