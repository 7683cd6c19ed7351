//! What a service manager is told (`sd_notify`): that everything is open, that we live, that we stop.
//!
//! systemd names a datagram socket in `NOTIFY_SOCKET`, and in `WATCHDOG_USEC` after how long without a sign of life it
//! starts the process again. Without them nobody is told anything.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use tracing::{debug, warn};

use crate::config::Environment;
use crate::lifecycle::Tokens;

const SOCKET: &str = "NOTIFY_SOCKET";
const WATCHDOG: &str = "WATCHDOG_USEC";

/// Whom the watchdog is for, where not for everybody who inherits the variables.
const WATCHDOG_PROCESS: &str = "WATCHDOG_PID";

/// The service manager, if there is one.
#[derive(Debug, Default)]
pub(super) struct Supervisor {
    socket: Option<UnixDatagram>,
    patience: Option<Duration>,
}

impl Supervisor {
    /// The one that the environment names.
    pub(super) fn find(environment: &Environment) -> Self {
        let Some(address) = environment.get(SOCKET) else {
            return Self::default();
        };
        match connect(address) {
            Ok(socket) => Self {
                socket: Some(socket),
                patience: patience(environment),
            },
            Err(error) => {
                warn!(%error, "supervisor_unreachable");
                Self::default()
            }
        }
    }

    /// Says that all ports are open and all roles run.
    pub(super) fn ready(&self, roles: &str) {
        self.tell(&format!("READY=1\nSTATUS=running {roles}\n"));
    }

    /// Gives signs of life as often as is expected, and says when we begin to stop. A runtime that hangs gives none.
    pub(super) async fn attend(self, tokens: Tokens) {
        loop {
            // Twice within its patience, as its manual asks for.
            let pause = self.patience.map_or(Duration::MAX, |patience| patience / 2);
            tokio::select! {
                () = tokio::time::sleep(pause) => self.tell("WATCHDOG=1\n"),
                () = tokens.soft_stop() => break,
            }
        }
        self.tell("STOPPING=1\n");
    }

    fn tell(&self, state: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = socket.send(state.as_bytes()) {
            debug!(%error, "supervisor_not_told");
        }
    }
}

/// A path, or with `@` a name that is no file.
fn connect(address: &str) -> io::Result<UnixDatagram> {
    let address = match address.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(address)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    // A manager that does not read must not hold us up.
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn patience(environment: &Environment) -> Option<Duration> {
    let us = std::process::id().to_string();
    let is_for_us = environment.get(WATCHDOG_PROCESS).is_none_or(|id| id == us);
    let microseconds = environment.get(WATCHDOG)?.parse().ok()?;
    (is_for_us && microseconds > 0).then_some(Duration::from_micros(microseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience_of(variables: &[(&str, &str)]) -> Option<Duration> {
        let pairs = variables.iter().copied();
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        patience(&Environment::new(pairs))
    }

    #[test]
    fn the_watchdog_of_another_process_is_not_ours() {
        let us = std::process::id().to_string();
        let ours = patience_of(&[(WATCHDOG, "2000000"), (WATCHDOG_PROCESS, &us)]);
        assert_eq!(ours, Some(Duration::from_secs(2)));
        assert_eq!(
            patience_of(&[(WATCHDOG, "5"), (WATCHDOG_PROCESS, "1")]),
            None
        );
        assert_eq!(patience_of(&[(WATCHDOG, "0")]), None);
        assert_eq!(patience_of(&[(WATCHDOG, "soon")]), None);
        assert_eq!(patience_of(&[]), None);
    }
}
