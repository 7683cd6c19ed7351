//! Writing and leniently reading the tags of monitors.

use std::str::FromStr;

use crate::event::Tag;
use crate::tag_values;

/// Longest text taken from a tag, bytes: host names, organisations and cities fit.
const MAX_TEXT_BYTES: usize = 256;

/// Tags being built.
#[derive(Debug, Default)]
pub(super) struct TagWriter(pub(super) Vec<Vec<String>>);

impl TagWriter {
    /// Adds `[name, value]`.
    pub(super) fn push(&mut self, name: &str, value: impl ToString) {
        self.0.push(vec![name.to_owned(), value.to_string()]);
    }

    /// Adds `[name, value]` if there is a value.
    pub(super) fn push_some(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.push(name, value);
        }
    }
}

/// The first value of tags called `name` that can be read as `T`.
pub(super) fn first<T: FromStr>(tags: &[Tag<'_>], name: &str) -> Option<T> {
    tag_values::values(tags, name).find_map(|value| value.trim().parse().ok())
}

/// The values of tags called `name` that can be read as `T`, without repeats, at most `max`.
pub(super) fn all<T: FromStr + PartialEq>(tags: &[Tag<'_>], name: &str, max: usize) -> Vec<T> {
    let mut found: Vec<T> = Vec::new();
    for value in tag_values::values(tags, name) {
        match value.trim().parse() {
            Ok(value) if found.len() < max && !found.contains(&value) => found.push(value),
            _ => {}
        }
    }
    found
}

/// The first usable text of tags called `name`.
pub(super) fn text(tags: &[Tag<'_>], name: &str) -> Option<String> {
    tag_values::values(tags, name).find_map(one_line)
}

/// The usable texts of tags called `name`, without repeats, at most `max`.
pub(super) fn texts(tags: &[Tag<'_>], name: &str, max: usize) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for text in tag_values::values(tags, name).filter_map(one_line) {
        if found.len() < max && !found.contains(&text) {
            found.push(text);
        }
    }
    found
}

/// A stranger's text in one line of at most 256 bytes; `None` when nothing is left.
pub fn one_line(raw: &str) -> Option<String> {
    let replace = |c: char| if c.is_control() { ' ' } else { c };
    let line: String = raw.chars().map(replace).collect();
    let line = line.trim();
    let cut = line[..line.floor_char_boundary(MAX_TEXT_BYTES)].trim_end();
    (!cut.is_empty()).then(|| cut.to_owned())
}
