//! NIP-01 filters: strict parsing, a canonical form, and the in-memory matcher.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{EventId, EventRef, Kind, PublicKey};

/// A filter as NIP-01 defines it: AND between the fields, OR inside a list.
///
/// `None` does not restrict; an empty list matches nothing. Lists are sorted and without repeats.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Filter {
    /// Event ids.
    pub ids: Option<Vec<EventId>>,
    /// Authors.
    pub authors: Option<Vec<PublicKey>>,
    /// Kinds. Kinds above 65535 are dropped on parsing, since no event can have them.
    pub kinds: Option<Vec<Kind>>,
    /// `#<letter>` lists by letter, e.g. `b'e'`.
    pub tags: BTreeMap<u8, Vec<String>>,
    /// Lowest `created_at`, inclusive, unix seconds.
    pub since: Option<u64>,
    /// Highest `created_at`, inclusive, unix seconds.
    pub until: Option<u64>,
    /// How many stored events to answer with; does not concern live events.
    pub limit: Option<usize>,
    /// NIP-50 search text.
    pub search: Option<String>,
}

/// Characters of an unknown field that are repeated.
const MAX_NAMED: usize = 32;

/// Why a JSON value is not a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Not a JSON object.
    #[error("filter is not a JSON object")]
    NotAnObject,
    /// A field has the wrong type or an element of the wrong form.
    #[error("filter field {field} must be {expected}")]
    Field {
        /// The field as it was written, e.g. `#e`.
        field: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// A field that is not known here. Passing over it would find more than was asked for.
    #[error("filter field {0} is not known")]
    Unknown(String),
}

impl Filter {
    /// Parses a filter from JSON text.
    ///
    /// # Errors
    /// [`FilterError`] naming the field.
    pub fn from_json(json: &str) -> Result<Self, FilterError> {
        let value = serde_json::from_str(json).map_err(|_| FilterError::NotAnObject)?;
        Self::from_value(&value)
    }

    /// Parses a filter from a JSON value.
    ///
    /// # Errors
    /// [`FilterError`] naming the field.
    pub fn from_value(value: &Value) -> Result<Self, FilterError> {
        let object = value.as_object().ok_or(FilterError::NotAnObject)?;
        let mut filter = Self::default();
        for (field, value) in object {
            filter.set_field(field, value)?;
        }
        Ok(filter)
    }

    fn set_field(&mut self, field: &str, value: &Value) -> Result<(), FilterError> {
        const HEX: &str = "a list of 64 lowercase hex digits each";
        match field {
            "ids" => {
                self.ids = Some(list(field, value, HEX, |text| {
                    EventId::from_hex(text).ok()
                })?)
            }
            "authors" => {
                self.authors = Some(list(field, value, HEX, |text| {
                    PublicKey::from_hex(text).ok()
                })?);
            }
            "kinds" => self.kinds = Some(kinds(field, value)?),
            "since" => self.since = Some(seconds(field, value)?.unwrap_or(0)),
            "until" => match seconds(field, value)? {
                Some(until) => self.until = Some(until),
                None => self.ids = Some(Vec::new()),
            },
            "limit" => {
                let limit = value
                    .as_u64()
                    .ok_or_else(|| wrong(field, "a non-negative integer"))?;
                self.limit = Some(usize::try_from(limit).unwrap_or(usize::MAX));
            }
            "search" => {
                let text = value.as_str().ok_or_else(|| wrong(field, "a string"))?;
                self.search = Some(text.to_owned());
            }
            _ => self.set_tag(field, value)?,
        }
        Ok(())
    }

    fn set_tag(&mut self, field: &str, value: &Value) -> Result<(), FilterError> {
        let letter = match field.as_bytes() {
            [b'#', letter] if letter.is_ascii_alphabetic() => letter,
            _ => return Err(FilterError::Unknown(shortened(field))),
        };
        let values = if matches!(letter, b'e' | b'p') {
            let hex = |text: &str| EventId::from_hex(text).ok().map(|_| text.to_owned());
            list(field, value, "a list of 64 lowercase hex digits each", hex)?
        } else {
            list(field, value, "a list of strings", |text| {
                Some(text.to_owned())
            })?
        };
        self.tags.insert(*letter, values);
        Ok(())
    }

    /// The filter as JSON, fields in a fixed order, so that equal filters have equal text.
    pub fn to_json(&self) -> String {
        self.to_value().to_string()
    }

    fn to_value(&self) -> Value {
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
        if let Some(ids) = &self.ids {
            put("ids", ids.iter().map(EventId::to_hex).collect());
        }
        if let Some(authors) = &self.authors {
            put("authors", authors.iter().map(PublicKey::to_hex).collect());
        }
        if let Some(kinds) = &self.kinds {
            put("kinds", kinds.iter().map(|kind| kind.0).collect());
        }
        for (letter, values) in &self.tags {
            put(
                &format!("#{}", char::from(*letter)),
                values.iter().map(String::as_str).collect(),
            );
        }
        for (name, seconds) in [("since", self.since), ("until", self.until)] {
            if let Some(seconds) = seconds {
                put(name, seconds.into());
            }
        }
        if let Some(limit) = self.limit {
            put("limit", limit.into());
        }
        if let Some(search) = &self.search {
            put("search", search.as_str().into());
        }
        Value::Object(object)
    }

    /// Whether the filter can match no event at all: an empty list, or `since` after `until`.
    pub fn is_empty(&self) -> bool {
        let is_inverted = self.since.unwrap_or(0) > self.until.unwrap_or(u64::MAX);
        self.ids.as_ref().is_some_and(Vec::is_empty)
            || self.authors.as_ref().is_some_and(Vec::is_empty)
            || self.kinds.as_ref().is_some_and(Vec::is_empty)
            || self.tags.values().any(Vec::is_empty)
            || is_inverted
    }

    /// Whether an event matches. `indexed_tags` are the event's own, see
    /// [`EventRef::indexed_tags`]; `limit` and `search` play no part.
    pub fn matches(&self, event: &EventRef<'_>, indexed_tags: &[(u8, Cow<'_, str>)]) -> bool {
        self.matches_fields(event) && self.matches_tags(indexed_tags)
    }

    /// The part of [`Filter::matches`] that needs no tags.
    pub fn matches_fields(&self, event: &EventRef<'_>) -> bool {
        self.since.is_none_or(|since| event.created_at >= since)
            && self.until.is_none_or(|until| event.created_at <= until)
            && self
                .kinds
                .as_ref()
                .is_none_or(|kinds| kinds.binary_search(&event.kind).is_ok())
            && self
                .authors
                .as_ref()
                .is_none_or(|keys| keys.binary_search(&event.pubkey).is_ok())
            && self
                .ids
                .as_ref()
                .is_none_or(|ids| ids.binary_search(&event.id).is_ok())
    }

    /// The part of [`Filter::matches`] that looks at tags.
    pub fn matches_tags(&self, indexed_tags: &[(u8, Cow<'_, str>)]) -> bool {
        self.tags.iter().all(|(letter, values)| {
            indexed_tags.iter().any(|(name, value)| {
                name == letter && values.binary_search_by(|v| v.as_str().cmp(value)).is_ok()
            })
        })
    }
}

/// Enough of a field's name to find it.
fn shortened(field: &str) -> String {
    field.chars().take(MAX_NAMED).collect()
}

fn wrong(field: &str, expected: &'static str) -> FilterError {
    FilterError::Field {
        field: field.to_owned(),
        expected,
    }
}

fn list<T: Ord>(
    field: &str,
    value: &Value,
    expected: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, FilterError> {
    let array = value.as_array().ok_or_else(|| wrong(field, expected))?;
    let parsed = array.iter().map(|item| item.as_str().and_then(&parse));
    let mut items = parsed
        .collect::<Option<Vec<T>>>()
        .ok_or_else(|| wrong(field, expected))?;
    items.sort_unstable();
    items.dedup();
    Ok(items)
}

fn kinds(field: &str, value: &Value) -> Result<Vec<Kind>, FilterError> {
    let expected = "a list of non-negative integers";
    let array = value.as_array().ok_or_else(|| wrong(field, expected))?;
    let numbers = array
        .iter()
        .map(Value::as_u64)
        .collect::<Option<Vec<u64>>>();
    let numbers = numbers.ok_or_else(|| wrong(field, expected))?;
    let in_range = numbers
        .into_iter()
        .filter_map(|number| u16::try_from(number).ok());
    let mut kinds: Vec<Kind> = in_range.map(Kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    Ok(kinds)
}

/// `None` for a moment before 1970, which no event can have.
fn seconds(field: &str, value: &Value) -> Result<Option<u64>, FilterError> {
    match (value.as_u64(), value.as_i64()) {
        (Some(seconds), _) => Ok(Some(seconds)),
        (None, Some(_)) => Ok(None),
        (None, None) => Err(wrong(field, "an integer of unix seconds")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_prints_one_canonical_form() {
        let id = "ab".repeat(32);
        let json = format!(r##"{{"kinds":[7,1,1,99999],"#t":["b","a"],"#e":["{id}"],"limit":5}}"##);
        let filter = Filter::from_json(&json).unwrap();
        assert_eq!(filter.kinds, Some(vec![Kind(1), Kind(7)]));
        assert_eq!(filter.tags[&b't'], ["a", "b"]);
        assert_eq!(Filter::from_json(&filter.to_json()).unwrap(), filter);
    }

    #[test]
    fn refusals_name_the_field() {
        for (json, field) in [
            (r#"{"ids":["abcd"]}"#, "ids"),
            (r#"{"authors":[1]}"#, "authors"),
            (r##"{"#p":["AB"]}"##, "#p"),
            (r#"{"since":1.5}"#, "since"),
            (r#"{"limit":-1}"#, "limit"),
            (r#"{"kinds":["1"]}"#, "kinds"),
        ] {
            let error = Filter::from_json(json).unwrap_err();
            assert!(
                matches!(&error, FilterError::Field { field: f, .. } if f == field),
                "{error}"
            );
        }
        assert_eq!(Filter::from_json("[]"), Err(FilterError::NotAnObject));
        for field in ["x", "#1", "#tt", "&t", "#"] {
            let error = Filter::from_json(&format!(r#"{{"{field}":["a"]}}"#));
            assert_eq!(error, Err(FilterError::Unknown(field.to_owned())));
        }
    }

    #[test]
    fn impossible_filters_are_empty_not_errors() {
        for json in [
            r#"{"ids":[]}"#,
            r#"{"kinds":[99999]}"#,
            r#"{"until":-1}"#,
            r#"{"since":2,"until":1}"#,
        ] {
            assert!(Filter::from_json(json).unwrap().is_empty(), "{json}");
        }
        assert!(!Filter::from_json(r#"{"since":-5}"#).unwrap().is_empty());
    }
}
