//! The laboratory's configuration, read as an operator's would be.

use std::collections::BTreeSet;

use anyhow::Result;
use bigbrotr::config::{Config, Environment, Overrides, Paths};
use fleet::{ConfigOptions, Fleet, FleetPlan};
use nips::{LocalRelays, Network, RelayUrl};

#[tokio::test]
async fn the_laboratorys_configuration_is_accepted_whole() -> Result<()> {
    let fleet = Fleet::start(FleetPlan::mixed(1, 60, 0)).await?;
    let directory = tempfile::tempdir()?;
    let written = fleet.write_config(directory.path(), &ConfigOptions::default())?;
    let paths = Paths {
        config_dir: written.config,
        relay_config_dir: written.relay_config,
        data_dir: written.data,
    };
    let config = Config::load(&paths, &Environment::default(), Overrides::default())?;
    let networks = &config.brotr.networks;
    assert_eq!(networks.enabled(), Network::ALL);
    assert_eq!(networks.tor.proxy_url, Some(fleet.socks().url()));
    assert_eq!(networks.dns_servers, [fleet.dns().address()]);
    assert_eq!(networks.hosts, fleet.hosts().into_iter().collect());
    assert_eq!(networks.extra_ca_file, Some(written.ca));
    assert_eq!(config.seeder.seed.file_path, Some(written.seeds.clone()));
    let seeds = std::fs::read_to_string(written.seeds)?;
    let lines = seeds.lines().filter(|line| !line.starts_with('#'));
    let urls: BTreeSet<String> = lines
        .map(|line| RelayUrl::parse_with(line, LocalRelays::Accepted).map(|url| url.to_string()))
        .collect::<Result<_, _>>()?;
    assert_eq!(urls.len(), fleet.members().len());
    Ok(())
}
