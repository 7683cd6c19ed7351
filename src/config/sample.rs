//! Commented sample files, generated from the tables of keys and the defaults.

use std::fmt::Write;

use serde_json::Value;

use super::key::{Accepts, Key};
use super::section::{FileName, value_at};

/// Width at which comments are wrapped.
const WIDTH: usize = 100;

/// The complete sample of one file: every key with its meaning, bounds and default.
pub fn sample(file: FileName) -> String {
    let defaults = file.defaults();
    let mut out = String::new();
    for line in header(file) {
        let _ = writeln!(out, "# {line}");
    }
    for key in file.keys() {
        let depth = key.path.matches('.').count();
        let indent = "  ".repeat(depth);
        if depth == 0 || matches!(key.accepts, Accepts::Section) {
            out.push('\n');
        }
        write_comment(&mut out, &key, &indent);
        if matches!(key.accepts, Accepts::Section) {
            let _ = writeln!(out, "{indent}{}:", key.name());
        } else {
            let value = value_at(&defaults, key.path).unwrap_or(&Value::Null);
            write_value(&mut out, key.name(), value, &indent);
        }
    }
    out
}

fn header(file: FileName) -> [String; 2] {
    let place = match file {
        FileName::Brotr => "config/brotr.yaml".to_owned(),
        FileName::Relay | FileName::Policy => format!("relay-config/{}.yaml", file.as_str()),
        _ => format!("config/services/{}.yaml", file.as_str()),
    };
    [
        format!("{place}: every key with its default. A key that is absent has the default."),
        "Changes take effect on restart. Durations are seconds, sizes are bytes.".to_owned(),
    ]
}

fn write_comment(out: &mut String, key: &Key, indent: &str) {
    let text = match key.accepts {
        Accepts::Section
        | Accepts::Text
        | Accepts::List
        | Accepts::Map
        | Accepts::Flag
        | Accepts::OrNull(Accepts::Text | Accepts::List | Accepts::Map) => key.doc.to_owned(),
        _ => format!("{} ({})", key.doc, key.accepts.describe()),
    };
    let mut line = format!("{indent}#");
    for word in text.split(' ') {
        if line.len() + 1 + word.len() > WIDTH {
            let _ = writeln!(out, "{line}");
            line = format!("{indent}#");
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(out, "{line}");
}

/// Lists of several items one a line; everything else as JSON, which is YAML.
fn write_value(out: &mut String, name: &str, value: &Value, indent: &str) {
    match value {
        Value::Array(items) if items.iter().any(Value::is_object) => {
            let _ = writeln!(out, "{indent}{name}:");
            for item in items {
                let _ = writeln!(out, "{indent}  - {item}");
            }
        }
        Value::String(text) if is_plain(text) => {
            let _ = writeln!(out, "{indent}{name}: {text}");
        }
        _ => {
            let _ = writeln!(out, "{indent}{name}: {value}");
        }
    }
}

/// Whether the text can stand in YAML without quotes: words that cannot be taken for anything else.
fn is_plain(text: &str) -> bool {
    let starts_with_letter = text.starts_with(|first: char| first.is_ascii_alphabetic());
    let is_reserved = matches!(
        text,
        "null" | "true" | "false" | "yes" | "no" | "on" | "off"
    );
    let is_simple = |c: char| c.is_ascii_alphanumeric() || " _-./".contains(c);
    starts_with_letter && !is_reserved && text.chars().all(is_simple)
}
