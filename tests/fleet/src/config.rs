//! The configuration that makes `bigbrotr` meet the laboratory.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

use crate::fleet::Fleet;

/// What a configuration needs to know besides the fleet.
#[derive(Debug, Clone)]
pub struct ConfigOptions {
    /// Where the relay of `bigbrotr` listens; port 0 for any.
    pub relay_listen: SocketAddr,
    /// Where `/metrics` is served; `None` switches metrics off.
    pub metrics_listen: Option<SocketAddr>,
    /// Seconds that a connection to a relay may take.
    pub timeout_seconds: u32,
    /// Seconds between the cycles of a service, and before anything is tried again.
    pub interval_seconds: u32,
    /// How many members the seed list names, the first ones; `None` for all. The others can be found in
    /// relay lists.
    pub listed_members: Option<usize>,
}

impl Default for ConfigOptions {
    fn default() -> Self {
        Self {
            relay_listen: SocketAddr::from(([127, 0, 0, 1], 7777)),
            metrics_listen: Some(SocketAddr::from(([127, 0, 0, 1], 8000))),
            timeout_seconds: 3,
            interval_seconds: 20,
            listed_members: None,
        }
    }
}

/// Where a configuration was written.
#[derive(Debug, Clone)]
pub struct ConfigPaths {
    /// For `--config`.
    pub config: PathBuf,
    /// For `--relay-config`.
    pub relay_config: PathBuf,
    /// For `--data-dir`; not created.
    pub data: PathBuf,
    /// One URL a line, in the plan's order.
    pub seeds: PathBuf,
    /// The authority's certificate.
    pub ca: PathBuf,
}

impl ConfigPaths {
    /// The arguments that make `bigbrotr` use it: `--config … --relay-config … --data-dir …`.
    pub fn arguments(&self) -> Vec<String> {
        let pairs = [
            ("--config", &self.config),
            ("--relay-config", &self.relay_config),
            ("--data-dir", &self.data),
        ];
        let pairs = pairs.map(|(option, path)| [option.to_owned(), path.display().to_string()]);
        pairs.into_iter().flatten().collect()
    }
}

impl Fleet {
    /// Writes `config/`, `relay-config/`, `seeds.txt` and `ca.pem` under `directory`, which is created.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_config(&self, directory: &Path, options: &ConfigOptions) -> Result<ConfigPaths> {
        std::fs::create_dir_all(directory)
            .with_context(|| format!("could not create {}", directory.display()))?;
        let directory = directory.canonicalize()?;
        let paths = ConfigPaths {
            config: directory.join("config"),
            relay_config: directory.join("relay-config"),
            data: directory.join("data"),
            seeds: directory.join("seeds.txt"),
            ca: directory.join("ca.pem"),
        };
        write(&paths.ca, &self.ca_pem())?;
        write(&paths.seeds, &self.seed_list(options.listed_members))?;
        for (service, yaml) in services(&paths, options) {
            write(
                &paths.config.join(format!("services/{service}.yaml")),
                &yaml,
            )?;
        }
        let relay = format!("listen: {}\n", json!(options.relay_listen));
        write(&paths.relay_config.join("relay.yaml"), &relay)?;
        // Last, so that whoever waits for it finds everything else.
        write(
            &paths.config.join("brotr.yaml"),
            &self.brotr_yaml(options, &paths),
        )?;
        Ok(paths)
    }

    fn seed_list(&self, listed_members: Option<usize>) -> String {
        let listed = listed_members.unwrap_or(usize::MAX);
        let mut list = String::from("# the laboratory's relays\n");
        for member in self.members().iter().take(listed) {
            let _ = writeln!(list, "{}", member.url());
        }
        list
    }

    fn brotr_yaml(&self, options: &ConfigOptions, paths: &ConfigPaths) -> String {
        let timeout = options.timeout_seconds;
        let mut yaml = String::from("networks:\n");
        for network in ["clearnet", "local"] {
            let _ = writeln!(yaml, "  {network}: {{enabled: true, timeout: {timeout}}}");
        }
        let proxy = json!(self.socks().url());
        for network in ["tor", "i2p", "loki"] {
            let _ = writeln!(
                yaml,
                "  {network}: {{enabled: true, timeout: {timeout}, proxy_url: {proxy}}}"
            );
        }
        let hosts = self.hosts();
        // No lines at all would be null, which is no map.
        yaml.push_str(if hosts.is_empty() {
            "  hosts: {}\n"
        } else {
            "  hosts:\n"
        });
        for (name, address) in hosts {
            let _ = writeln!(yaml, "    {}: {}", json!(name), json!(address.to_string()));
        }
        let dns = json!([self.dns().address().to_string()]);
        let _ = writeln!(yaml, "  dns_servers: {dns}");
        let _ = writeln!(yaml, "  extra_ca_file: {}", json!(paths.ca));
        match options.metrics_listen {
            Some(address) => {
                let (host, port) = (json!(address.ip()), address.port());
                let _ = writeln!(
                    yaml,
                    "metrics: {{enabled: true, host: {host}, port: {port}}}"
                );
            }
            None => yaml.push_str("metrics: {enabled: false}\n"),
        }
        yaml
    }
}

/// Short intervals, so that somebody who watches sees changes soon.
fn services(paths: &ConfigPaths, options: &ConfigOptions) -> [(&'static str, String); 5] {
    let seconds = options.interval_seconds;
    let interval = format!("interval: {seconds}\n");
    let seeds = json!(paths.seeds);
    [
        (
            "seeder",
            format!("seed: {{file_path: {seeds}, to_validate: true}}\n"),
        ),
        ("finder", format!("{interval}api: {{enabled: false}}\n")),
        (
            "validator",
            format!("{interval}processing: {{interval: {seconds}}}\n"),
        ),
        (
            "monitor",
            format!("{interval}discovery: {{interval: {seconds}}}\n"),
        ),
        (
            "synchronizer",
            format!("{interval}processing: {{end_lag: 0}}\n"),
        ),
    ]
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)
            .with_context(|| format!("could not create {}", directory.display()))?;
    }
    std::fs::write(path, text).with_context(|| format!("could not write {}", path.display()))
}
