//! The monitor's private key: from the environment, else from a file that is made on first start.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tracing::warn;

use crate::config::{Config, Secret};

/// Name of the key file in the data directory.
pub(super) const KEY_FILE: &str = "monitor.key";

/// Only its owner may read the key.
const KEY_MODE: u32 = 0o600;

/// Where the key came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOrigin {
    /// This variable, or the file it names.
    Environment(String),
    /// A file that was there.
    File(PathBuf),
    /// A file that was made just now.
    Created(PathBuf),
}

impl fmt::Display for KeyOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(variable) => f.write_str(variable),
            Self::File(path) | Self::Created(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The key as hex or nsec. Never replaces a file that is there.
pub(super) fn load_or_create(config: &Config) -> Result<(Secret, KeyOrigin)> {
    if let Some(key) = &config.secrets.private_key {
        return Ok((
            key.secret.clone(),
            KeyOrigin::Environment(key.place().to_owned()),
        ));
    }
    let path = config.data_dir.join(KEY_FILE);
    if let Some(key) = read(&path)? {
        return Ok((key, KeyOrigin::File(path)));
    }
    let key = generate();
    create(&path, key.expose()).with_context(|| format!("could not create {}", path.display()))?;
    Ok((key, KeyOrigin::Created(path)))
}

/// A new key, in hex.
pub(super) fn generate() -> Secret {
    Secret::new(nostr::SecretKey::generate().to_secret_hex())
}

/// Whether there is a key without making one.
pub(super) fn exists(config: &Config) -> bool {
    config.secrets.private_key.is_some() || config.data_dir.join(KEY_FILE).exists()
}

fn read(path: &Path) -> Result<Option<Secret>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| format!("could not read {}", path.display()));
        }
    };
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        warn!(path = %path.display(), "key_file_is_readable_by_others");
    }
    Ok(Some(Secret::new(text.trim().to_owned())))
}

fn create(path: &Path, key: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(KEY_MODE)
        .open(path)?;
    writeln!(file, "{key}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Overrides, Paths};

    fn config(data_dir: &Path, variables: &[(&str, &str)]) -> Config {
        let paths = Paths {
            config_dir: data_dir.join("config"),
            relay_config_dir: data_dir.join("relay-config"),
            data_dir: data_dir.join("data"),
        };
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        Config::load(&paths, &Environment::new(variables), Overrides::default()).unwrap()
    }

    #[test]
    fn a_key_is_made_once_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path(), &[]);
        let (made, origin) = load_or_create(&config).unwrap();
        let path = dir.path().join("data/monitor.key");
        assert_eq!(origin, KeyOrigin::Created(path.clone()));
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            KEY_MODE
        );
        assert!(nostr::Keys::parse(made.expose()).is_ok());
        let (found, origin) = load_or_create(&config).unwrap();
        assert_eq!((found, origin), (made, KeyOrigin::File(path)));
    }

    #[test]
    fn the_environment_beats_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let key = "5".repeat(64);
        let config = config(dir.path(), &[("NOSTR_PRIVATE_KEY", &key)]);
        let (found, origin) = load_or_create(&config).unwrap();
        assert_eq!(found.expose(), key);
        let variable = "NOSTR_PRIVATE_KEY".to_owned();
        assert_eq!(origin, KeyOrigin::Environment(variable));
        assert!(!dir.path().join("data").exists());
    }
}
