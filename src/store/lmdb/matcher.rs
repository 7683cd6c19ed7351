//! A filter made ready to look at many rows.

use memchr::memchr2;
use memchr::memmem::Finder;
use nips::Filter;

use super::fault::Fault;
use super::record::Record;

/// Up to how many values of a letter a row is searched for each of them; with more, each tag of that letter is looked up
/// among them.
const MAX_SEARCHED_VALUES: usize = 4;

/// Decides on stored events exactly as [`Filter::matches`] does.
pub(super) struct Matcher<'f> {
    filter: &'f Filter,
    /// What satisfies each letter of the filter.
    wanted_tags: Vec<WantedTag>,
}

/// Tags of one letter, as they are in canonical JSON, e.g. `["e","…"`. An unescaped quote after a bracket opens a tag's
/// name and nothing else, and the next one closes the value, so this text occurs only where the tag does. serde_json
/// escapes as NIP-01 does.
enum WantedTag {
    /// Any of these, each with its value.
    Searched(Vec<Finder<'static>>),
    /// What comes before the value, and the values in their quotes, sorted.
    LookedUp(Box<Finder<'static>>, Vec<String>),
}

impl<'f> Matcher<'f> {
    pub(super) fn new(filter: &'f Filter) -> Self {
        let letters = filter.tags.iter();
        Self {
            filter,
            wanted_tags: letters
                .map(|(letter, values)| WantedTag::new(*letter, values))
                .collect(),
        }
    }

    /// Whether the event in the row matches.
    pub(super) fn matches(&self, record: &Record<'_>) -> Result<bool, Fault> {
        if !self.filter.matches_fields(&record.header()) {
            return Ok(false);
        }
        if self.wanted_tags.is_empty() {
            return Ok(true);
        }
        let tags = record.tags_bytes()?;
        Ok(self.wanted_tags.iter().all(|wanted| wanted.is_in(tags)))
    }
}

impl WantedTag {
    fn new(letter: u8, values: &[String]) -> Self {
        let opening = format!("[\"{}\",", char::from(letter));
        let quoted = values
            .iter()
            .map(|value| serde_json::Value::from(value.as_str()).to_string());
        if values.len() <= MAX_SEARCHED_VALUES {
            let beginnings = quoted.map(|value| finder(&format!("{opening}{value}")));
            return Self::Searched(beginnings.collect());
        }
        let mut quoted: Vec<String> = quoted.collect();
        quoted.sort_unstable();
        Self::LookedUp(Box::new(finder(&opening)), quoted)
    }

    fn is_in(&self, tags: &[u8]) -> bool {
        match self {
            Self::Searched(beginnings) => beginnings.iter().any(|one| one.find(tags).is_some()),
            Self::LookedUp(opening, values) => {
                let mut values_in_tags = opening.find_iter(tags).map(|at| {
                    let value = &tags[at + opening.needle().len()..];
                    &value[..quoted_len(value)]
                });
                values_in_tags.any(|value| {
                    let found = values.binary_search_by(|one| one.as_bytes().cmp(value));
                    found.is_ok()
                })
            }
        }
    }
}

fn finder(text: &str) -> Finder<'static> {
    Finder::new(text.as_bytes()).into_owned()
}

/// How long the JSON string is that the text begins with, quotes included; no more than the text.
fn quoted_len(text: &[u8]) -> usize {
    let mut len = 1;
    while let Some(at) = text.get(len..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        match text[len + at] {
            b'"' => return len + at + 1,
            // What comes after it stands for itself.
            _ => len += at + 2,
        }
    }
    text.len()
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
    fn strings_end_at_their_quotes() {
        for (text, len) in [
            (r#""",1"#, 2),
            (r#""a","b"]"#, 3),
            (r#""a\"b"]"#, 6),
            (r#""\\"]"#, 4),
            (r#""open"#, 5),
            (r#""open\"#, 6),
            ("", 0),
        ] {
            assert_eq!(quoted_len(text.as_bytes()), len, "{text}");
        }
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
                    // Among others that are in no event.
                    let mut values: Vec<String> = (0..9).map(|n| format!("nobody's {n}")).collect();
                    values.push(value.to_owned());
                    values.sort_unstable();
                    filter.tags.insert(letter, values);
                    let found = Matcher::new(&filter).matches(&record).unwrap();
                    assert_eq!(
                        found, expected,
                        "{letter} {value:?} and others in {event:?}"
                    );
                }
            }
        }
    }
}
