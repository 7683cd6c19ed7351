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
    /// A streaming replica of the database.
    pub replica_url: Option<String>,
    /// Connections of one process.
    pub max_connections: u32,
    /// Whether the schema is brought up to date on start.
    pub migrate: bool,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            url: EMBEDDED.to_owned(),
            password_env: WRITER_PASSWORD.to_owned(),
            password_file: None,
            listen_url: None,
            replica_url: None,
            max_connections: 10,
            migrate: true,
        }
    }
}

/// The value of `store.url` that needs no server.
const EMBEDDED: &str = "embedded";

/// The variable of the role that services have.
const WRITER_PASSWORD: &str = "DB_WRITER_PASSWORD";

/// The other roles of the database, and the variables with their passwords.
const OTHER_PASSWORDS: [(&str, &str); 3] = [
    ("admin", "DB_ADMIN_PASSWORD"),
    ("refresher", "DB_REFRESHER_PASSWORD"),
    ("reader", "DB_READER_PASSWORD"),
];

/// How the URL of a PostgreSQL database begins.
const POSTGRES: [&str; 2] = ["postgres://", "postgresql://"];

impl StoreConfig {
    /// Whether everything is kept under the data directory, without a server.
    pub fn is_embedded(&self) -> bool {
        self.url == EMBEDDED
    }

    /// [`StoreConfig::listen_url`] with the user of [`StoreConfig::url`]: whoever overrides the one with
    /// another role's means both.
    pub fn direct_url(&self) -> Option<String> {
        self.as_same_user(self.listen_url.as_deref()?)
    }

    /// [`StoreConfig::replica_url`] likewise.
    pub fn replica_url(&self) -> Option<String> {
        self.as_same_user(self.replica_url.as_deref()?)
    }

    fn as_same_user(&self, other: &str) -> Option<String> {
        let mut other = url::Url::parse(other).ok()?;
        let url = url::Url::parse(&self.url).ok()?;
        // A URL without a host cannot name a user; then the system's is taken, as for the other one.
        let _ = other.set_username(url.username());
        Some(other.into())
    }

    /// The variable with the password of the user that the URL names: unless another one is configured,
    /// each role of the database has its own.
    pub(super) fn password_variable(&self) -> &str {
        let url = url::Url::parse(&self.url).ok();
        let user = url.as_ref().map(url::Url::username).unwrap_or_default();
        let others = OTHER_PASSWORDS.iter();
        let of_user = others.into_iter().find(|(role, _)| *role == user);
        match of_user {
            Some((_, variable)) if self.password_env == WRITER_PASSWORD => variable,
            _ => &self.password_env,
        }
    }

    pub(super) fn validate(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if !self.is_embedded() {
            problems.extend(check_url(&self.url).map(|why| ("store.url", why)));
        }
        for (key, url) in [
            ("store.listen_url", &self.listen_url),
            ("store.replica_url", &self.replica_url),
        ] {
            let problem = url.as_deref().and_then(check_url);
            problems.extend(problem.map(|why| (key, why)));
        }
        problems
    }
}

/// What is wrong with the URL of a database; the message never repeats it, since it may hold a password.
fn check_url(url: &str) -> Option<String> {
    if !POSTGRES.iter().any(|scheme| url.starts_with(scheme)) {
        return Some("must be `embedded` or postgres://user@host:port/database".to_owned());
    }
    match url::Url::parse(url) {
        Err(error) => Some(format!("is no URL: {error}")),
        Ok(_) if has_password(url) => Some(
            "the password does not belong into the URL: put it into the variable that \
             store.password_env names, or into store.password_file"
                .to_owned(),
        ),
        Ok(url) if url.path().len() < 2 => Some("names no database".to_owned()),
        Ok(_) => None,
    }
}

pub(super) const KEYS: &[Key] = &[
    Key::section("store", "Where everything is kept."),
    Key::new(
        "store.url",
        Accepts::Text,
        "`embedded`: LMDB and SQLite under --data-dir; or postgres://user@host:port/database, perhaps \
         of a PgBouncer. The variable DATABASE_URL overrides it.",
    ),
    Key::new(
        "store.password_env",
        Accepts::Text,
        "Variable with the database password, which the URL never holds; for the users admin, refresher and \
         reader it is DB_ADMIN_PASSWORD and so on unless another one is named here.",
    ),
    Key::new(
        "store.password_file",
        Accepts::OrNull(&Accepts::Text),
        "File with the database password, instead of the variable.",
    ),
    Key::new(
        "store.listen_url",
        Accepts::OrNull(&Accepts::Text),
        "The same database without a pooler in between, for migrations, refreshes and wake-ups; as the user of \
         store.url.",
    ),
    Key::new(
        "store.replica_url",
        Accepts::OrNull(&Accepts::Text),
        "A streaming replica of the same database: a relay whose index has to catch up reads it instead, as far as \
         it has come; as the user of store.url.",
    ),
    Key::new(
        "store.max_connections",
        Accepts::Integer(1, 200),
        "Connections of one process to store.url.",
    ),
    Key::new(
        "store.migrate",
        Accepts::Flag,
        "Bring the schema up to date on start; otherwise `bigbrotr migrate` does it.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(url: &str) -> Vec<(&'static str, String)> {
        let config = StoreConfig {
            url: url.to_owned(),
            ..StoreConfig::default()
        };
        config.validate()
    }

    #[test]
    fn each_role_has_its_own_variable() {
        let variable = |url: &str, password_env: Option<&str>| {
            let mut config = StoreConfig {
                url: url.to_owned(),
                ..StoreConfig::default()
            };
            if let Some(name) = password_env {
                config.password_env = name.to_owned();
            }
            config.password_variable().to_owned()
        };
        let (writer, admin) = ("postgres://writer@host/db", "postgres://admin@host/db");
        assert_eq!(variable(writer, None), "DB_WRITER_PASSWORD");
        assert_eq!(variable(admin, None), "DB_ADMIN_PASSWORD");
        assert_eq!(variable(admin, Some("MINE")), "MINE");
    }

    #[test]
    fn urls_are_checked_and_never_repeated() {
        for good in [
            "embedded",
            "postgres://writer@pgbouncer:6432/bigbrotr",
            "postgresql:///db",
        ] {
            assert_eq!(problems(good), [], "{good}");
        }
        for bad in [
            "mysql://host/db",
            "Embedded",
            "postgres://writer:hunter2@host/db",
            "postgres://writer@host",
            "postgres://[hunter2/db",
        ] {
            let found = problems(bad);
            assert_eq!(found.len(), 1, "{bad}");
            assert!(!found[0].1.contains("hunter2"), "{found:?}");
        }
    }
}
