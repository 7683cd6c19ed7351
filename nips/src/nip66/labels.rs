//! `L` and `l` tags (NIP-32): values of other tags in a form that filters can ask for.

use super::tags::{TagWriter, one_line};
use crate::event::Tag;

/// ISO 639-1 language codes.
pub(super) const LANGUAGE: &str = "ISO-639-1";
/// ISO 3166-1 country codes.
pub(super) const COUNTRY: &str = "ISO-3166-1";
/// Numbers of autonomous systems.
pub(super) const ASN: &str = "IANA-asn";
/// Organisations of autonomous systems.
pub(super) const ASN_ORGANISATION: &str = "IANA-asnOrg";
/// City names.
pub(super) const CITY: &str = "nip66.label.city";
/// Names of the time zone database.
pub(super) const TIME_ZONE: &str = "IANA-tz";

/// Claims of the relay's information document and what was observed, e.g. `nip-50:no`.
pub(super) const CLAIM: &str = "nip66.label.claim";

/// Labels being collected, in order, as (namespace, value).
#[derive(Debug, Default)]
pub(super) struct Labels(Vec<(&'static str, String)>);

impl Labels {
    /// Adds a label.
    pub(super) fn add(&mut self, namespace: &'static str, value: impl ToString) {
        self.0.push((namespace, value.to_string()));
    }

    /// Adds a label if there is a value.
    pub(super) fn add_some(&mut self, namespace: &'static str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.add(namespace, value);
        }
    }

    /// Writes each namespace once as `L`, then all labels as `l` with their namespace.
    pub(super) fn push_tags(self, tags: &mut TagWriter) {
        let mut namespaces: Vec<_> = self.0.iter().map(|(namespace, _)| *namespace).collect();
        namespaces.dedup();
        for namespace in namespaces {
            tags.push("L", namespace);
        }
        for (namespace, value) in self.0 {
            tags.0
                .push(vec!["l".to_owned(), value, namespace.to_owned()]);
        }
    }
}

/// The values labelled in a namespace, without repeats, at most `max`.
pub(super) fn values(tags: &[Tag<'_>], namespace: &str, max: usize) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for tag in tags {
        let [name, value, of, ..] = tag.as_slice() else {
            continue;
        };
        let value = (name == "l" && of == namespace).then(|| one_line(value));
        match value.flatten() {
            Some(value) if found.len() < max && !found.contains(&value) => found.push(value),
            _ => {}
        }
    }
    found
}
