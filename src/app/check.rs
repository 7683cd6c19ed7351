//! What only shows when a setting is used: a certificate that cannot be read, a key that is none.

use std::sync::Arc;

use anyhow::Result;

use super::net_settings;
use crate::clock::SystemClock;
use crate::config::{Config, ConfigError, FileName, Problem};
use crate::http::tls_settings;
use crate::model::ServiceName;
use crate::net::{Net, NetSettings};
use crate::services::signer::Signer;

/// Tries everything that the configuration names, without opening a store or a socket.
///
/// # Errors
/// [`ConfigError::Invalid`] with every problem, each where it was written.
pub fn check(config: &Config) -> Result<(), ConfigError> {
    let found = [networks(config), certificate(config), private_key(config)];
    let problems: Vec<Problem> = found.into_iter().flatten().collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(ConfigError::Invalid(problems))
    }
}

/// Each role may have proxies of its own; the file of certificates is one for all.
fn networks(config: &Config) -> Option<Problem> {
    let roles = ServiceName::ALL.into_iter();
    let settings: Result<Vec<NetSettings>> = roles.map(|role| net_settings(config, role)).collect();
    let (key, failure) = match settings {
        Ok(settings) => {
            let failure = Net::new(settings.into_iter().next()?).err()?;
            ("networks.extra_ca_file", anyhow::Error::from(failure))
        }
        Err(failure) => ("networks", failure),
    };
    Some(config.problem(FileName::Brotr, key, format!("{failure:#}")))
}

fn certificate(config: &Config) -> Option<Problem> {
    let failure = tls_settings(config.relay.tls.as_ref()?, None).err()?;
    let message = format!("{:#}", anyhow::Error::from(failure));
    Some(config.problem(FileName::Relay, "tls", message))
}

fn private_key(config: &Config) -> Option<Problem> {
    let key = config.secrets.private_key.as_ref()?;
    let failure = Signer::new(key.secret.expose(), Arc::new(SystemClock)).err()?;
    Some(Problem {
        origin: "environment".to_owned(),
        position: None,
        key: key.place().to_owned(),
        message: failure.to_string(),
    })
}
