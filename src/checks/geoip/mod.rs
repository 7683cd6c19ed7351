//! Where an address is and whose it is, from files in MaxMind's format. Without a file its check is off.
//!
//! The files are mapped into memory, so that they cost what is looked at, and opened again when another
//! file has taken their place.

mod database;
mod download;
mod record;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use nips::nip66::{Geo, Net};
use tracing::{info, warn};

use crate::config::{GeoConfig, GeoFile};
use crate::net;

use database::Database;
pub use database::DatabaseError;
pub use download::{DownloadError, download};
use record::{autonomous_system, place};

/// Time between two attempts to download a file, seconds: a server that fails is not asked every cycle.
const BETWEEN_ATTEMPTS: u64 = 6 * 3_600;

/// The two files.
#[derive(Debug)]
pub struct GeoIp {
    config: GeoConfig,
    city: Database,
    asn: Database,
    /// When each download was last tried.
    tried_at: Mutex<[Option<u64>; GeoFile::ALL.len()]>,
}

/// What became of a file.
#[derive(Debug)]
pub enum FileState {
    /// It is used: what it calls itself, and when it was made, unix seconds.
    Used {
        /// E.g. `GeoLite2-City`.
        database_type: String,
        /// When it was built.
        built_at: u64,
    },
    /// There is none.
    Absent,
    /// It cannot be used.
    Unusable(DatabaseError),
}

/// The addresses of a relay, of each family one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Addresses {
    /// IPv4.
    pub v4: Option<Ipv4Addr>,
    /// IPv6.
    pub v6: Option<Ipv6Addr>,
}

impl From<IpAddr> for Addresses {
    fn from(address: IpAddr) -> Self {
        let mut addresses = Self::default();
        match address {
            IpAddr::V4(v4) => addresses.v4 = Some(v4),
            IpAddr::V6(v6) => addresses.v6 = Some(v6),
        }
        addresses
    }
}

impl GeoIp {
    /// Opens the files that are there, and says which are.
    pub fn open(config: &GeoConfig) -> Self {
        let geoip = Self {
            city: Database::at(config.path(GeoFile::City)),
            asn: Database::at(config.path(GeoFile::Asn)),
            config: config.clone(),
            tried_at: Mutex::default(),
        };
        geoip.refresh();
        geoip
    }

    /// Opens what has changed since it was opened. Blocks for a few file operations.
    pub fn refresh(&self) {
        for (file, check) in [(GeoFile::City, "nip66_geo"), (GeoFile::Asn, "nip66_net")] {
            let database = self.database(file);
            let path = database.path().display();
            match database.refresh() {
                None => {}
                Some(FileState::Used { database_type, .. }) => {
                    info!(check, path = %path, database_type, "geo_db_opened");
                }
                Some(FileState::Absent) => info!(check, path = %path, "geo_db_absent"),
                Some(FileState::Unusable(error)) => {
                    warn!(check, path = %path, %error, "geo_db_unusable");
                }
            }
        }
    }

    /// Downloads the files that are missing or too old at `now` unix seconds, where the configuration says
    /// from where, and opens what has changed. What cannot be had is logged, and tried again some hours later. Cancel-safe.
    pub async fn keep_up(&self, net: &net::Net, now: u64) {
        for file in GeoFile::ALL {
            if !download::is_due(&self.config, file, now) || !self.may_try(file, now) {
                continue;
            }
            let path = self.config.path(file).display();
            match download(net, &self.config, file).await {
                Ok(()) => info!(path = %path, "geo_db_downloaded"),
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    warn!(path = %path, error, "geo_db_update_failed");
                }
            }
        }
        self.refresh();
    }

    fn may_try(&self, file: GeoFile, now: u64) -> bool {
        let mut tried = self.tried_at.lock().unwrap_or_else(PoisonError::into_inner);
        let last = &mut tried[file as usize];
        let is_long_ago = last.is_none_or(|last| last + BETWEEN_ATTEMPTS <= now);
        if is_long_ago {
            *last = Some(now);
        }
        is_long_ago
    }

    /// Whether a file is used.
    pub fn has(&self, file: GeoFile) -> bool {
        self.database(file).is_open()
    }

    /// Where an address is: IPv4 before IPv6, whose places are known less well.
    pub fn place(&self, addresses: Addresses) -> Option<Geo> {
        let v4 = addresses.v4.map(IpAddr::V4);
        let v6 = addresses.v6.map(IpAddr::V6);
        let mut candidates = v4.into_iter().chain(v6);
        candidates.find_map(|address| {
            let found = self.city.look_up(address)?;
            place(&found.record, self.config.geohash_precision)
        })
    }

    /// Whose the addresses are; `None` without the file, or without an address.
    pub fn network(&self, addresses: Addresses) -> Option<Net> {
        if !self.asn.is_open() || addresses == Addresses::default() {
            return None;
        }
        let look_up = |address: Option<IpAddr>| self.asn.look_up(address?);
        let v4 = look_up(addresses.v4.map(IpAddr::V4));
        let v6 = look_up(addresses.v6.map(IpAddr::V6));
        let systems = [v4.as_ref(), v6.as_ref()].into_iter().flatten();
        let (asn, asn_org) = systems
            .map(|found| autonomous_system(&found.record))
            .find(|(asn, _)| asn.is_some())
            .unwrap_or_default();
        Some(Net {
            ip: addresses.v4,
            ipv6: addresses.v6,
            asn,
            asn_org,
            network: v4.map(|found| found.network),
            network_v6: v6.map(|found| found.network),
        })
    }

    fn database(&self, file: GeoFile) -> &Database {
        match file {
            GeoFile::City => &self.city,
            GeoFile::Asn => &self.asn,
        }
    }
}

/// Looks at a file as [`GeoIp`] would.
pub fn inspect(config: &GeoConfig, file: GeoFile) -> FileState {
    let database = Database::at(config.path(file));
    database.refresh().unwrap_or(FileState::Absent)
}
