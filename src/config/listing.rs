//! The effective configuration as `check-config` prints it: every key, its value, its source.

use std::fmt::Write;
use std::path::PathBuf;

use serde_json::Value;

use super::key::Accepts;
use super::section::{FileName, to_value, value_at};
use super::{Config, Problem};

/// Column at which sources begin, so that they can be read down the page.
const SOURCE_COLUMN: usize = 60;

impl Config {
    /// One line for each key, grouped by file. Secrets are named, never shown.
    pub fn listing(&self) -> String {
        let mut out = String::new();
        for file in FileName::ALL {
            let _ = writeln!(out, "{}:", file.as_str());
            self.list_file(file, &mut out);
        }
        let key = match &self.secrets.private_key {
            Some(key) => format!("(redacted)  # {}", key.source),
            None => format!(
                "null  # data/monitor.key is used, under {}",
                self.data_dir.display()
            ),
        };
        let password = match &self.secrets.database_password {
            Some(password) => format!("(redacted)  # {}", password.source),
            None => {
                let variable = self.brotr.store.password_variable();
                format!("null  # {variable} is not set")
            }
        };
        let _ = writeln!(out, "secrets:\n  private_key: {key}");
        let _ = writeln!(out, "  database_password: {password}");
        let _ = writeln!(out, "data_dir: {}", self.data_dir.display());
        out
    }

    fn list_file(&self, file: FileName, out: &mut String) {
        let values = self.values(file);
        for key in file.keys() {
            if matches!(key.accepts, Accepts::Section) {
                continue;
            }
            let value = value_at(&values, key.path).unwrap_or(&Value::Null);
            let line = format!("  {}: {value}", key.path);
            let source = self.source(file, key.path);
            let _ = writeln!(out, "{line:<SOURCE_COLUMN$}  # {source}");
        }
    }

    /// The files that were read.
    pub fn files_read(&self) -> Vec<PathBuf> {
        let documents = self.sources.documents.iter();
        documents.map(|document| document.path.clone()).collect()
    }

    /// Where a value came from, e.g. `default` or `config/brotr.yaml:3`.
    pub fn source(&self, file: FileName, path: &str) -> String {
        let (origin, position) = self.sources.origin(file, path);
        match position {
            Some((line, _)) => format!("{origin}:{line}"),
            None => origin,
        }
    }

    /// A problem with a value, at the place where the value was written.
    pub fn problem(&self, file: FileName, path: &str, message: String) -> Problem {
        let (origin, position) = self.sources.blame(file, path);
        Problem {
            origin,
            position,
            key: path.to_owned(),
            message,
        }
    }

    fn values(&self, file: FileName) -> Value {
        match file {
            FileName::Brotr => to_value(&self.brotr),
            FileName::Seeder => to_value(&self.seeder),
            FileName::Finder => to_value(&self.finder),
            FileName::Validator => to_value(&self.validator),
            FileName::Monitor => to_value(&self.monitor),
            FileName::Synchronizer => to_value(&self.synchronizer),
            FileName::Refresher => to_value(&self.refresher),
            FileName::Relay => to_value(&self.relay),
            FileName::Policy => to_value(&self.policy),
        }
    }
}
