//! Secrets: from a variable or a file, never from YAML, never printed.

use std::fmt;
use std::fs;

use super::{Environment, Problem};

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

/// All secrets that this version reads, each with the name of its source.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// The monitor's private key, hex or nsec: `PRIVATE_KEY` or `NOSTR_PRIVATE_KEY`.
    pub private_key: Option<Secret>,
    /// Which variable `private_key` came from.
    pub private_key_source: Option<&'static str>,
}

/// Names of the variable with the monitor's key, and of the variable that names a file with it.
const PRIVATE_KEY: [(&str, &str); 2] = [
    ("PRIVATE_KEY", "PRIVATE_KEY_FILE"),
    ("NOSTR_PRIVATE_KEY", "NOSTR_PRIVATE_KEY_FILE"),
];

impl Secrets {
    /// Reads the secrets; what is wrong is added to `problems`.
    pub(super) fn read(environment: &Environment, problems: &mut Vec<Problem>) -> Self {
        let mut secrets = Self::default();
        for (variable, file_variable) in PRIVATE_KEY {
            let found = match (environment.get(variable), environment.get(file_variable)) {
                (Some(_), Some(_)) => Err(format!("{file_variable} is set as well; unset one")),
                (Some(value), None) => Ok(Some((value.to_owned(), variable))),
                (None, Some(path)) => read_file(path).map(|value| Some((value, file_variable))),
                (None, None) => Ok(None),
            };
            match found {
                Ok(Some((value, source))) if secrets.private_key.is_none() => {
                    secrets.private_key = Some(Secret::new(value.trim().to_owned()));
                    secrets.private_key_source = Some(source);
                }
                Ok(_) => {}
                Err(message) => problems.push(Problem {
                    origin: "environment".to_owned(),
                    position: None,
                    key: variable.to_owned(),
                    message,
                }),
            }
        }
        secrets
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
        let secrets = Secrets::read(&Environment::new(pairs), &mut problems);
        (secrets, problems)
    }

    #[test]
    fn a_variable_beats_its_alias_and_is_never_printed() {
        let (secrets, problems) =
            read(&[("PRIVATE_KEY", "first"), ("NOSTR_PRIVATE_KEY", "second")]);
        assert!(problems.is_empty());
        assert_eq!(secrets.private_key.as_ref().unwrap().expose(), "first");
        assert!(!format!("{secrets:?}").contains("first"));
    }

    #[test]
    fn a_file_is_read_and_trimmed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "from-file\n").unwrap();
        let (secrets, _) = read(&[("PRIVATE_KEY_FILE", file.path().to_str().unwrap())]);
        assert_eq!(secrets.private_key.unwrap().expose(), "from-file");
        assert_eq!(secrets.private_key_source, Some("PRIVATE_KEY_FILE"));
    }

    #[test]
    fn two_sources_of_one_secret_are_refused() {
        let (_, problems) = read(&[("PRIVATE_KEY", "a"), ("PRIVATE_KEY_FILE", "/nonexistent")]);
        assert_eq!(problems[0].key, "PRIVATE_KEY");
        let (_, problems) = read(&[("PRIVATE_KEY_FILE", "/nonexistent")]);
        assert!(problems[0].message.contains("/nonexistent"));
    }
}
