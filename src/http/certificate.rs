//! The certificate of the public port, read again when its files change.
//!
//! Files are looked at while clients connect, at most once a second, so that a renewed certificate is in use
//! with the next handshake. While the new files cannot be used, e.g. because only one of the two has
//! been replaced yet, the old certificate stays.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tracing::{info, warn};

use super::ServerError;
use crate::config::TlsConfig;
use crate::metrics::{GatheredMetrics, NO_LABELS};

/// Pause between two looks at the files.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The certificate in use.
#[derive(Debug)]
pub(super) struct Certificate {
    files: TlsConfig,
    current: Mutex<Current>,
    /// Where it is told when the certificate ends.
    metrics: Option<GatheredMetrics>,
}

#[derive(Debug)]
struct Current {
    key: Arc<CertifiedKey>,
    /// What the files were like when they were last read, successfully or not.
    stamps: [Stamp; 2],
    looked_at: Instant,
}

/// What changes when a file is replaced or written: inode, length, seconds and nanoseconds of its
/// modification. `None` when the file is not there.
type Stamp = Option<(u64, u64, i64, i64)>;

impl Certificate {
    /// Reads certificate chain and key.
    ///
    /// # Errors
    /// [`ServerError::Certificate`] naming the file that cannot be used.
    pub(super) fn load(
        files: &TlsConfig,
        metrics: Option<GatheredMetrics>,
    ) -> Result<Self, ServerError> {
        // Looked at before they are read: a change in between is then found later.
        let stamps = stamps(files);
        let current = Current {
            key: Arc::new(read(files)?),
            stamps,
            looked_at: Instant::now(),
        };
        let certificate = Self {
            files: files.clone(),
            metrics,
            current: Mutex::new(current),
        };
        certificate.tell_expiry(&certificate.current());
        Ok(certificate)
    }

    fn current(&self) -> Arc<CertifiedKey> {
        let mut current = self.current.lock().expect("no panic under the lock");
        if current.looked_at.elapsed() >= LOOK_EVERY {
            current.looked_at = Instant::now();
            self.look(&mut current);
        }
        Arc::clone(&current.key)
    }

    fn look(&self, current: &mut Current) {
        let stamps = stamps(&self.files);
        if stamps == current.stamps {
            return;
        }
        current.stamps = stamps;
        match read(&self.files) {
            Ok(key) => {
                current.key = Arc::new(key);
                self.tell_expiry(&current.key);
                info!(service = "relay", "certificate_reloaded");
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                warn!(service = "relay", error, "certificate_not_reloaded");
            }
        }
    }
}

impl Certificate {
    fn tell_expiry(&self, key: &CertifiedKey) {
        let expiry = key.cert.first().and_then(|leaf| not_after(leaf));
        if let (Some(metrics), Some(expiry)) = (&self.metrics, expiry) {
            let gauge = metrics.certificate_expiry.with_label_values(NO_LABELS);
            gauge.set(expiry);
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

/// When a certificate ends, unix seconds; `None` when it cannot be read, which rustls need not mind.
fn not_after(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(parsed.validity().not_after.timestamp())
}

fn stamps(files: &TlsConfig) -> [Stamp; 2] {
    [&files.cert_file, &files.key_file].map(|path| {
        let file = fs::metadata(path).ok()?;
        Some((file.ino(), file.len(), file.mtime(), file.mtime_nsec()))
    })
}

fn read(files: &TlsConfig) -> Result<CertifiedKey, ServerError> {
    let unusable = |path: &Path| {
        let path = path.to_owned();
        move |source: Box<dyn std::error::Error + Send + Sync>| ServerError::Certificate {
            path,
            source,
        }
    };
    let chain = CertificateDer::pem_file_iter(&files.cert_file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(&files.cert_file)(error.into()))?;
    if chain.is_empty() {
        return Err(unusable(&files.cert_file)("no certificate in it".into()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key_file)
        .map_err(|error| unusable(&files.key_file)(error.into()))?;
    let provider = rustls::crypto::ring::default_provider();
    CertifiedKey::from_der(chain, key, &provider)
        .map_err(|error| unusable(&files.cert_file)(error.into()))
}
