//! NIP-01 filters in YAML: written as maps, checked as strictly as those of a client, and more: a
//! field that no filter has is refused, since in a file it can only be a typing mistake.

use nips::Filter;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};
use serde_json::Value;

/// Writes the filters as JSON objects.
pub(super) fn serialize<S: Serializer>(
    filters: &[Filter],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let values = filters.iter().map(|filter| {
        serde_json::from_str::<Value>(&filter.to_json()).expect("a filter prints as JSON")
    });
    serializer.collect_seq(values)
}

/// Reads a list of filters.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Filter>, D::Error> {
    let values = Vec::<Value>::deserialize(deserializer)?;
    values
        .iter()
        .map(|value| parse(value).map_err(D::Error::custom))
        .collect()
}

/// The same for a value that may be absent or `null`.
pub(super) mod optional {
    use super::{Deserialize, Deserializer, Filter, Serializer};

    /// Writes `null` for none.
    pub(in crate::config) fn serialize<S: Serializer>(
        filters: &Option<Vec<Filter>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match filters {
            Some(filters) => super::serialize(filters, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a list of filters, or `null`.
    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<Filter>>, D::Error> {
        #[derive(Deserialize)]
        struct Filters(#[serde(with = "super")] Vec<Filter>);
        let filters = Option::<Filters>::deserialize(deserializer)?;
        Ok(filters.map(|Filters(filters)| filters))
    }
}

fn parse(value: &Value) -> Result<Filter, String> {
    let names = value
        .as_object()
        .into_iter()
        .flat_map(|object| object.keys());
    if let Some(name) = names.into_iter().find(|name| !is_field(name)) {
        return Err(format!("{name:?} is not a field of a synchronizer filter"));
    }
    Filter::from_value(value).map_err(|error| error.to_string())
}

/// Fields that choose events. `since`, `until` and `limit` have keys of their own, and `search` cannot
/// be trusted to return everything.
fn is_field(name: &str) -> bool {
    let is_tag = matches!(name.as_bytes(), [b'#', letter] if letter.is_ascii_alphabetic());
    is_tag || matches!(name, "ids" | "authors" | "kinds")
}
