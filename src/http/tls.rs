//! TLS of the public port, when no proxy in front of us does it.

use std::sync::Arc;

use rustls::ServerConfig;

use super::ServerError;
use super::certificate::Certificate;
use crate::config::TlsConfig;
use crate::metrics::GatheredMetrics;

/// Settings with the certificate and the key of these files, which are read again when they change; `metrics` is
/// told when the certificate in use ends.
///
/// # Errors
/// [`ServerError::Certificate`] naming the file that cannot be used.
pub fn tls_settings(
    config: &TlsConfig,
    metrics: Option<&GatheredMetrics>,
) -> Result<Arc<ServerConfig>, ServerError> {
    let certificate = Certificate::load(config, metrics.cloned())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let settings = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ServerError::Certificate {
            path: config.cert_file.clone(),
            source: error.into(),
        })?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(certificate));
    Ok(Arc::new(settings))
}
