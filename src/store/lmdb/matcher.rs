//! A filter made ready to look at many rows.

use memchr::memmem::Finder;
use nips::Filter;
use nips::event::indexed_tags;

use super::fault::Fault;
use super::record::Record;

/// Up to how many tag values a row is searched for as text; with more, its tags are decoded once.
const MAX_SEARCHED_VALUES: usize = 4;

/// Decides on stored events exactly as [`Filter::matches`] does.
pub(super) struct Matcher<'f> {
    filter: &'f Filter,
    /// Per letter of the filter, the beginnings of the tags that satisfy it; `None` when there are
    /// too many.
    wanted_tags: Option<Vec<Vec<Finder<'static>>>>,
}

impl<'f> Matcher<'f> {
    pub(super) fn new(filter: &'f Filter) -> Self {
        let values: usize = filter.tags.values().map(Vec::len).sum();
        let wanted_tags = (values <= MAX_SEARCHED_VALUES).then(|| {
            let letters = filter.tags.iter();
            letters
                .map(|(letter, values)| values.iter().map(|value| finder(*letter, value)).collect())
                .collect()
        });
        Self {
            filter,
            wanted_tags,
        }
    }

    /// Whether the event in the row matches.
    pub(super) fn matches(&self, record: &Record<'_>) -> Result<bool, Fault> {
        if !self.filter.matches_fields(&record.header()) {
            return Ok(false);
        }
        if self.filter.tags.is_empty() {
            return Ok(true);
        }
        let Some(wanted_tags) = &self.wanted_tags else {
            let tags = indexed_tags(record.event()?.tags());
            return Ok(self.filter.matches_tags(&tags));
        };
        let tags = record.tags_bytes()?;
        let has_one =
            |finders: &Vec<Finder<'_>>| finders.iter().any(|one| one.find(tags).is_some());
        Ok(wanted_tags.iter().all(has_one))
    }
}

/// Searches for the beginning of a tag in canonical JSON, e.g. `["e","…"`. An unescaped quote after a
/// bracket opens a tag's name and nothing else, and the one at the end closes the value, so this text
/// occurs only where the tag does. serde_json escapes as NIP-01 does.
fn finder(letter: u8, value: &str) -> Finder<'static> {
    let value = serde_json::Value::from(value);
    let beginning = format!("[\"{}\",{value}", char::from(letter));
    Finder::new(beginning.as_bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use nips::event::UnsignedEvent;
    use nips::nip40::Expiration;
    use nips::{Event, Kind, PublicKey, Signature};

    use super::super::record::RecordWriter;
    use super::*;

    /// Values that could be mistaken for JSON, or for each other.
    const TRICKY: [&str; 12] = [
        "",
        "a",
        "aa",
        "\"",
        "\\",
        "\\\"",
        "[\"t\",\"a\"",
        "],[\"t\",\"a\"]",
        "\n\u{1}\u{7f}",
        "é/",
        "[",
        ",",
    ];

    fn event(tags: Vec<Vec<String>>) -> Event {
        let draft = UnsignedEvent {
            pubkey: PublicKey([7; 32]),
            created_at: 1,
            kind: Kind(1),
            tags,
            content: String::new(),
        };
        Event::from_parts(draft.id(), &draft, Signature([9; 64])).unwrap()
    }

    #[test]
    fn text_search_agrees_with_decoding() {
        for first in TRICKY {
            for second in TRICKY {
                let tag = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
                let event = event(vec![
                    tag(&["t", first]),
                    tag(&["x", "t", second]),
                    tag(&[second, "t", first]),
                    tag(&["T"]),
                    vec![],
                ]);
                let mut row = Vec::new();
                RecordWriter::new(1 << 30, &event, Expiration::Never, false)
                    .write(&mut row)
                    .unwrap();
                let record = Record::new(0, &row).unwrap();
                for (letter, value) in "txT".bytes().flat_map(|l| TRICKY.map(|value| (l, value))) {
                    let mut filter = Filter::default();
                    filter.tags.insert(letter, vec![value.to_owned()]);
                    let expected = filter.matches(&event.as_ref(), &event.as_ref().indexed_tags());
                    let found = Matcher::new(&filter).matches(&record).unwrap();
                    assert_eq!(found, expected, "{letter} {value:?} in {event:?}");
                }
            }
        }
    }
}
