//! `store`: where everything is kept.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::credentials::has_password;
use super::key::{Accepts, Key};

/// The `store` section of `brotr.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// `embedded`, or the URL of a database without its password.
    pub url: String,
    /// Environment variable that holds the database password.
    pub password_env: String,
    /// File that holds the database password, instead of the variable.
    pub password_file: Option<PathBuf>,
    /// Direct connection that bypasses PgBouncer.
    pub listen_url: Option<String>,
    /// Whether the schema is brought up to date on start.
    pub migrate: bool,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            url: EMBEDDED.to_owned(),
            password_env: "DB_WRITER_PASSWORD".to_owned(),
            password_file: None,
            listen_url: None,
            migrate: true,
        }
    }
}

/// The value of `store.url` that needs no server.
const EMBEDDED: &str = "embedded";

impl StoreConfig {
    pub(super) fn validate(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if self.url != EMBEDDED {
            let shown = self.url.split(':').next().unwrap_or_default();
            let message = format!(
                "only `embedded` (LMDB and SQLite under the data directory) is built into this \
                 version, `{shown}` databases are not"
            );
            problems.push(("store.url", message));
        }
        if self.listen_url.as_deref().is_some_and(has_password) {
            let message = "holds a password, which belongs into the variable or the file that \
                           store.password_env or store.password_file names";
            problems.push(("store.listen_url", message.to_owned()));
        }
        problems
    }
}

pub(super) const KEYS: &[Key] = &[
    Key::section("store", "Where everything is kept."),
    Key::new(
        "store.url",
        Accepts::Text,
        "`embedded`: LMDB and SQLite under --data-dir. The variable DATABASE_URL overrides it.",
    ),
    Key::new(
        "store.password_env",
        Accepts::Text,
        "Variable with the database password, for stores that have one; the URL never holds it.",
    ),
    Key::new(
        "store.password_file",
        Accepts::OrNull(&Accepts::Text),
        "File with the database password, instead of the variable.",
    ),
    Key::new(
        "store.listen_url",
        Accepts::OrNull(&Accepts::Text),
        "Direct database connection that bypasses a pooler, for stores that have one.",
    ),
    Key::new(
        "store.migrate",
        Accepts::Flag,
        "Bring the schema up to date on start; otherwise `bigbrotr migrate` does it.",
    ),
];
