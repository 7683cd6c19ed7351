//! Secrets: from a variable or a file, never from YAML, never printed.

use std::fmt;
use std::fs;
use std::path::Path;

use super::{Environment, Problem, StoreConfig};

/// Longest secret file, bytes; a larger one is not a secret.
const MAX_SECRET_BYTES: u64 = 4_096;

/// A text that `Debug` does not show and nothing serialises.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the one place that uses it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(redacted)")
    }
}

/// A secret and where it came from.
#[derive(Debug, Clone)]
pub struct FoundSecret {
    /// The secret.
    pub secret: Secret,
    /// Its source as the listing names it, e.g. `environment PRIVATE_KEY`.
    pub source: String,
}

impl FoundSecret {
    /// The variable or the file it came from, e.g. `PRIVATE_KEY`.
    pub fn place(&self) -> &str {
        self.source
            .strip_prefix("environment ")
            .unwrap_or(&self.source)
    }
}

/// All secrets that this version reads.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// The monitor's private key, hex or nsec: `PRIVATE_KEY` or `NOSTR_PRIVATE_KEY`.
    pub private_key: Option<FoundSecret>,
    /// The password of `store.url`: `store.password_file`, or the variable that `store.password_env`
    /// names.
    pub database_password: Option<FoundSecret>,
    /// Passwords that `bigbrotr migrate` gives to the roles of the database, by role.
    pub role_passwords: Vec<(&'static str, FoundSecret)>,
}

/// Variables with the monitor's key, the first one first.
const PRIVATE_KEY: [&str; 2] = ["PRIVATE_KEY", "NOSTR_PRIVATE_KEY"];

/// The roles of the database that log in, and the variables with their passwords.
const ROLE_PASSWORDS: [(&str, &str); 3] = [
    ("writer", "DB_WRITER_PASSWORD"),
    ("refresher", "DB_REFRESHER_PASSWORD"),
    ("reader", "DB_READER_PASSWORD"),
];

impl Secrets {
    /// Reads the secrets; what is wrong is added to `problems`.
    pub(super) fn read(
        environment: &Environment,
        store: &StoreConfig,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut variable = |name: &str| read_variable(environment, name, problems);
        let keys = PRIVATE_KEY.map(&mut variable);
        let roles = ROLE_PASSWORDS.map(|(role, name)| Some((role, variable(name)?)));
        let database_password = variable(store.password_variable());
        Self {
            private_key: keys.into_iter().flatten().next(),
            database_password: match &store.password_file {
                Some(path) => read_configured_file(path, problems),
                None => database_password,
            },
            role_passwords: roles.into_iter().flatten().collect(),
        }
    }
}

/// `NAME`, or the file that `NAME_FILE` names.
fn read_variable(
    environment: &Environment,
    name: &str,
    problems: &mut Vec<Problem>,
) -> Option<FoundSecret> {
    let file_variable = format!("{name}_FILE");
    let found = match (environment.get(name), environment.get(&file_variable)) {
        (Some(_), Some(_)) => Err(format!("{file_variable} is set as well; unset one")),
        (Some(value), None) => Ok((value.to_owned(), name)),
        (None, Some(path)) => read_file(path).map(|value| (value, file_variable.as_str())),
        (None, None) => return None,
    };
    match found {
        Ok((value, variable)) => Some(FoundSecret {
            secret: Secret::new(value.trim().to_owned()),
            source: format!("environment {variable}"),
        }),
        Err(message) => {
            problems.push(Problem {
                origin: "environment".to_owned(),
                position: None,
                key: name.to_owned(),
                message,
            });
            None
        }
    }
}

fn read_configured_file(path: &Path, problems: &mut Vec<Problem>) -> Option<FoundSecret> {
    let shown = path.display().to_string();
    match read_file(&shown) {
        Ok(value) => Some(FoundSecret {
            secret: Secret::new(value.trim().to_owned()),
            source: shown,
        }),
        Err(message) => {
            problems.push(Problem {
                origin: "configuration".to_owned(),
                position: None,
                key: "store.password_file".to_owned(),
                message,
            });
            None
        }
    }
}

fn read_file(path: &str) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("could not read {path}: {error}");
    let length = fs::metadata(path).map_err(failed)?.len();
    if length > MAX_SECRET_BYTES {
        return Err(format!("{path} has {length} bytes, which is no secret"));
    }
    let text = fs::read_to_string(path).map_err(failed)?;
    if text.trim().is_empty() {
        return Err(format!("{path} is empty"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> (Secrets, Vec<Problem>) {
        let pairs = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut problems = Vec::new();
        let environment = Environment::new(pairs);
        let secrets = Secrets::read(&environment, &StoreConfig::default(), &mut problems);
        (secrets, problems)
    }

    #[test]
    fn a_variable_beats_its_alias_and_is_never_printed() {
        let (secrets, problems) =
            read(&[("PRIVATE_KEY", "first"), ("NOSTR_PRIVATE_KEY", "second")]);
        assert!(problems.is_empty());
        let key = secrets.private_key.as_ref().unwrap();
        assert_eq!(key.secret.expose(), "first");
        assert!(!format!("{secrets:?}").contains("first"));
    }

    #[test]
    fn a_file_is_read_and_trimmed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "from-file\n").unwrap();
        let (secrets, _) = read(&[("PRIVATE_KEY_FILE", file.path().to_str().unwrap())]);
        let key = secrets.private_key.unwrap();
        assert_eq!(key.secret.expose(), "from-file");
        assert_eq!(key.source, "environment PRIVATE_KEY_FILE");
    }

    #[test]
    fn two_sources_of_one_secret_are_refused() {
        let (_, problems) = read(&[("PRIVATE_KEY", "a"), ("PRIVATE_KEY_FILE", "/nonexistent")]);
        assert_eq!(problems[0].key, "PRIVATE_KEY");
        let (_, problems) = read(&[("PRIVATE_KEY_FILE", "/nonexistent")]);
        assert!(problems[0].message.contains("/nonexistent"));
    }

    #[test]
    fn the_database_password_is_where_the_configuration_says() {
        let (secrets, _) = read(&[("DB_WRITER_PASSWORD", "open sesame")]);
        let password = secrets.database_password.unwrap();
        assert_eq!(password.secret.expose(), "open sesame");
        assert_eq!(password.source, "environment DB_WRITER_PASSWORD");
        assert_eq!(secrets.role_passwords[0].0, "writer");
        let store = StoreConfig {
            password_file: Some("/nonexistent".into()),
            ..StoreConfig::default()
        };
        let mut problems = Vec::new();
        Secrets::read(&Environment::default(), &store, &mut problems);
        assert_eq!(problems[0].key, "store.password_file");
    }
}
