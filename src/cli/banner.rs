//! The first screen of `run`: what is running and where to look.

use std::fmt::Write;

use crate::app::{App, KeyOrigin, Ports};
use crate::config::{Config, LogFormat, WriteAccess};
use crate::model::ServiceName;

/// Writes the banner to standard error, unless that is read by a machine.
pub(super) fn print(
    app: &App,
    roles: &[ServiceName],
    ports: Ports,
    key: Option<&(String, KeyOrigin)>,
) {
    if app.config().brotr.log.format != LogFormat::Json {
        eprint!("{}", text(app, roles, ports, key));
    }
}

/// Says plainly that nothing answered; a machine has the log line.
pub(super) fn no_relay_reached(format: LogFormat) {
    if format == LogFormat::Json {
        return;
    }
    eprintln!(
        "\nNo relay has answered yet. If this machine has no way to the internet, that is why; \
         candidates are\ntried again later, and the relay and the page go on serving what is stored.\n"
    );
}

fn text(
    app: &App,
    roles: &[ServiceName],
    ports: Ports,
    key: Option<&(String, KeyOrigin)>,
) -> String {
    let config = app.config();
    let mut text = format!("\nBigBrotr {}\n\n", env!("CARGO_PKG_VERSION"));
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<9} {value}");
    };
    let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    line("running", &names.join(", "));
    if let Some(address) = ports.public {
        let scheme = if config.relay.tls.is_some() {
            "https"
        } else {
            "http"
        };
        line("relay", &app.relay_url(address));
        line("page", &format!("{scheme}://{address}/"));
        line("writes", &writes(config));
    }
    if let Some(address) = ports.metrics {
        line("metrics", &format!("http://{address}/metrics"));
    }
    let data_dir =
        std::path::absolute(&config.data_dir).unwrap_or_else(|_| config.data_dir.clone());
    line("data", &data_dir.display().to_string());
    if let Some((public_key, origin)) = key {
        line("monitor", &format!("public key {public_key}"));
        match origin {
            KeyOrigin::Created(path) => {
                line(
                    "",
                    &format!("a new key was made: {}; keep a copy of it", path.display()),
                );
            }
            origin => line("", &format!("key from {origin}")),
        }
    }
    line("settings", &settings(app));
    line("stop", "Ctrl-C, a second time to stop at once");
    text.push('\n');
    text
}

/// Who may publish, and who decided that.
fn writes(config: &Config) -> String {
    if !config.policy.write.enabled {
        return "nobody may publish (write.enabled)".to_owned();
    }
    let access = config.policy.write_access(config.relay.listen);
    let who = match access {
        WriteAccess::Open => "everybody may publish",
        WriteAccess::Authed => "clients that authenticate may publish",
        WriteAccess::Allowlist => "the authors in write.authors_allowed may publish",
        WriteAccess::MonitorOnly => "only our monitor and the operator may publish",
    };
    let why = match (config.policy.write.policy, access) {
        (Some(_), _) => "write.policy",
        (None, WriteAccess::Open) => "the default on loopback",
        (None, _) => "the default on an address that others reach; write.policy decides",
    };
    format!("{}: {who} ({why})", access.as_str())
}

fn settings(app: &App) -> String {
    let files = app.config().files_read();
    if files.is_empty() {
        "built-in defaults; see `bigbrotr default-config`".to_owned()
    } else {
        let files: Vec<String> = files
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        files.join(", ")
    }
}
