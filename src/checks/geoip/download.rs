//! Fetching a file from where the operator says: bounded, compared with its checksum, opened once to see
//! that it is one, and put in place by renaming.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use data_encoding::HEXLOWER_PERMISSIVE;
use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::FileState;
use super::database::Database;
use crate::config::{GeoConfig, GeoFile};
use crate::net::{HttpOptions, HttpUrl, HttpUrlError, Net, NetError};

/// Time for a file of some ten megabytes on a slow line.
const PATIENCE: Duration = Duration::from_secs(300);

/// Mirrors send on to where they keep their files.
const MAX_REDIRECTS: u8 = 5;

/// A page with one checksum is smaller.
const MAX_CHECKSUM_BYTES: usize = 64 << 10;

/// How much larger a file may be than its download: these databases shrink to a half.
const MAX_EXPANSION: u64 = 8;

/// How gzip begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

const DAY: u64 = 86_400;

/// Why a file was not replaced.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The configured URL is none that can be asked.
    #[error("could not use the url")]
    Url(#[from] HttpUrlError),
    /// No answer came about.
    #[error("could not fetch it")]
    Net(#[from] NetError),
    /// The answer is no success.
    #[error("answer has status {0}")]
    Status(u16),
    /// There is more of it than allowed.
    #[error("it is larger than geo.max_download_size")]
    TooLarge,
    /// It is not what its checksum says, or there is no checksum where one should be.
    #[error("it does not have its checksum")]
    Checksum,
    /// It is no database.
    #[error("it is no MaxMind database")]
    Format,
    /// It could not be written.
    #[error("could not write it")]
    Write(#[from] io::Error),
}

/// Whether a file is to be fetched: it has an address, and is missing or too old at `now` unix seconds.
pub(super) fn is_due(config: &GeoConfig, file: GeoFile, now: u64) -> bool {
    if config.download_url(file).is_none() {
        return false;
    }
    let modified = fs::metadata(config.path(file)).and_then(|metadata| metadata.modified());
    let Ok(modified) = modified else { return true };
    let since_1970 = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    let age = now.saturating_sub(since_1970.as_secs());
    config
        .max_age_days
        .is_some_and(|days| age > u64::from(days) * DAY)
}

/// Fetches a file and puts it in place. Without a URL nothing is done. Whatever goes wrong, the old file stays.
/// A server has to have a valid certificate, whatever is let pass in relays.
///
/// # Errors
/// [`DownloadError`].
pub async fn download(net: &Net, config: &GeoConfig, file: GeoFile) -> Result<(), DownloadError> {
    let Some(url) = config.download_url(file) else {
        return Ok(());
    };
    let body = fetch(net, url, config.max_download_size).await?;
    if let Some(url) = config.checksum_url(file) {
        let told = fetch(net, url, MAX_CHECKSUM_BYTES).await?;
        let told = checksum(&told).ok_or(DownloadError::Checksum)?;
        if Sha256::digest(&body)[..] != told {
            return Err(DownloadError::Checksum);
        }
    }
    let path = config.path(file).to_owned();
    let installed = spawn_blocking(move || install(&body, &path)).await;
    installed.unwrap_or_else(|panic| Err(io::Error::other(panic).into()))
}

async fn fetch(net: &Net, url: &str, max_bytes: usize) -> Result<Vec<u8>, DownloadError> {
    let options = HttpOptions {
        accept: "*/*",
        max_bytes,
        deadline: Instant::now() + PATIENCE,
        max_redirects: MAX_REDIRECTS,
        allow_insecure: false,
    };
    let response = net
        .verifying()
        .http_get(&HttpUrl::parse(url)?, options)
        .await?;
    match response.status {
        200 if response.is_truncated => Err(DownloadError::TooLarge),
        200 => Ok(response.body),
        status => Err(DownloadError::Status(status)),
    }
}

/// The first word, as `sha256sum` and its like write it.
fn checksum(page: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(page).ok()?;
    let word = text.split_ascii_whitespace().next()?;
    let bytes = HEXLOWER_PERMISSIVE.decode(word.as_bytes()).ok()?;
    (bytes.len() == 32).then_some(bytes)
}

fn install(body: &[u8], path: &Path) -> Result<(), DownloadError> {
    let new = beside(path);
    let installed = write(body, &new)
        .and_then(|()| examine(&new))
        .and_then(|()| Ok(fs::rename(&new, path)?));
    if installed.is_err() {
        // It may never have been there.
        let _ = fs::remove_file(&new);
    }
    installed
}

/// In the same directory, since only there renaming replaces.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

fn write(body: &[u8], path: &Path) -> Result<(), DownloadError> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut file = File::create(path)?;
    if body.starts_with(&GZIP) {
        let limit = body.len() as u64 * MAX_EXPANSION;
        let mut unpacked = GzDecoder::new(body).take(limit);
        if io::copy(&mut unpacked, &mut file)? == limit {
            return Err(DownloadError::TooLarge);
        }
    } else {
        file.write_all(body)?;
    }
    Ok(file.sync_all()?)
}

fn examine(path: &Path) -> Result<(), DownloadError> {
    match Database::at(path).refresh() {
        Some(FileState::Used { .. }) => Ok(()),
        _ => Err(DownloadError::Format),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_the_first_word() {
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let expected = Some(Sha256::digest("abc").to_vec());
        for page in [
            hex.to_owned(),
            format!("{hex}  GeoLite2-City.mmdb\n"),
            hex.to_uppercase(),
        ] {
            assert_eq!(checksum(page.as_bytes()), expected);
        }
        for page in ["", "<html>", &hex[2..]] {
            assert_eq!(checksum(page.as_bytes()), None);
        }
    }
}
