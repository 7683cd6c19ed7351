//! The monitor's private key: from the environment, else from a file that is made on first start.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
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

/// The key as hex or nsec. Never replaces a file that is there, and processes that start together on one
/// directory get the same key.
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
    let failed = || format!("could not create {}", path.display());
    let _held = hold(&config.data_dir).with_context(failed)?;
    // Another process may have made it since.
    if let Some(key) = read(&path)? {
        return Ok((key, KeyOrigin::File(path)));
    }
    let key = generate();
    create(&path, key.expose()).with_context(failed)?;
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

/// Creates the directory when it is missing, and waits for whoever else makes a key there. The lock is gone
/// with the value.
fn hold(directory: &Path) -> io::Result<File> {
    fs::create_dir_all(directory)?;
    let directory = File::open(directory)?;
    directory.lock()?;
    Ok(directory)
}

/// The file is there when it holds the key as a whole, not before.
fn create(path: &Path, key: &str) -> io::Result<()> {
    let new = path.with_extension("key.new");
    // One that a process left behind which was killed here.
    if let Err(error) = fs::remove_file(&new)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(KEY_MODE)
        .open(&new)?;
    writeln!(file, "{key}")?;
    file.sync_all()?;
    fs::rename(&new, path)
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
    fn those_who_start_together_get_one_key() {
        const STARTERS: usize = 8;
        for _ in 0..20 {
            let dir = tempfile::tempdir().unwrap();
            let config = config(dir.path(), &[]);
            let all_ready = std::sync::Barrier::new(STARTERS);
            let keys: Vec<_> = std::thread::scope(|scope| {
                let starters = [(); STARTERS].map(|()| {
                    scope.spawn(|| {
                        all_ready.wait();
                        load_or_create(&config).unwrap()
                    })
                });
                starters.map(|starter| starter.join().unwrap()).into()
            });
            assert!(keys.iter().all(|(key, _)| *key == keys[0].0));
            let is_maker =
                |(_, origin): &&(Secret, KeyOrigin)| matches!(origin, KeyOrigin::Created(_));
            assert_eq!(keys.iter().filter(is_maker).count(), 1);
        }
    }

    #[test]
    fn what_a_killed_process_left_behind_is_no_key() {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path(), &[]);
        fs::create_dir_all(&config.data_dir).unwrap();
        fs::write(config.data_dir.join("monitor.key.new"), "12").unwrap();
        let (made, origin) = load_or_create(&config).unwrap();
        assert_eq!(origin, KeyOrigin::Created(config.data_dir.join(KEY_FILE)));
        assert_eq!(load_or_create(&config).unwrap().0, made);
        assert_eq!(fs::read_dir(&config.data_dir).unwrap().count(), 1);
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
