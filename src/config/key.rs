//! What a configuration key means and accepts: one row of a section's table.

use super::tree::{Node, Value};

/// One key, with everything a person needs to know about it.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Path inside the file, e.g. `processing.chunk_size`.
    pub path: &'static str,
    /// Type and bounds.
    pub accepts: Accepts,
    /// One sentence; becomes the comment of the sample.
    pub doc: &'static str,
}

/// What a key accepts. Bounds are inclusive.
#[derive(Debug, Clone, Copy)]
pub enum Accepts {
    /// Further keys.
    Section,
    /// `true` or `false`, nothing else.
    Flag,
    /// A whole number.
    Integer(u64, u64),
    /// A number of seconds, fractions allowed.
    Seconds(f64, f64),
    /// Text.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list.
    List,
    /// Names chosen by the operator, with values.
    Map,
    /// Any of that, or `null`.
    OrNull(&'static Accepts),
}

impl Key {
    /// A group of keys.
    pub(super) const fn section(path: &'static str, doc: &'static str) -> Self {
        Self::new(path, Accepts::Section, doc)
    }

    /// A key with a value.
    pub(super) const fn new(path: &'static str, accepts: Accepts, doc: &'static str) -> Self {
        Self { path, accepts, doc }
    }

    /// The last part of the path.
    pub fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }
}

impl Accepts {
    /// Why the node is not acceptable, as the end of a sentence; `None` when it is.
    pub(super) fn refuse(&self, node: &Node) -> Option<String> {
        let fits = match (self, &node.value) {
            (Self::Section, Value::Map(_))
            | (Self::Flag, Value::Flag)
            | (Self::Text | Self::Choice(_), Value::Text(_))
            | (Self::List, Value::List)
            | (Self::Map, Value::Map(_))
            | (Self::OrNull(_), Value::Null) => true,
            (Self::Integer(min, max), Value::Integer(number)) => {
                (i128::from(*min)..=i128::from(*max)).contains(number)
            }
            (Self::Seconds(min, max), Value::Integer(_) | Value::Float(_)) => node
                .value
                .as_f64()
                .is_some_and(|number| (*min..=*max).contains(&number)),
            (Self::OrNull(inner), _) => return inner.refuse(node).map(|why| why + ", or null"),
            _ => false,
        };
        let is_known_word = match (self, &node.value) {
            (Self::Choice(words), Value::Text(word)) => words.contains(&word.as_str()),
            _ => true,
        };
        (!fits || !is_known_word).then(|| format!("must be {}", self.describe()))
    }

    /// The type and the bounds in words, e.g. `a whole number from 10 to 1000`.
    pub fn describe(&self) -> String {
        match self {
            Self::Section => "a map of keys; remove the line to take the defaults".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Integer(0, u64::MAX) => "a whole number".to_owned(),
            Self::Integer(min, u64::MAX) => format!("a whole number, at least {min}"),
            Self::Integer(min, max) => format!("a whole number from {min} to {max}"),
            Self::Seconds(min, max) if *max == f64::MAX => format!("seconds, at least {min}"),
            Self::Seconds(min, max) => format!("seconds from {min} to {max}"),
            Self::Text => "text".to_owned(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::List => "a list".to_owned(),
            Self::Map => "a map".to_owned(),
            Self::OrNull(inner) => inner.describe(),
        }
    }
}
