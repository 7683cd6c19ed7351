//! TLS of the public port, when no proxy in front of us does it.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::ServerError;
use crate::config::TlsConfig;

/// Loads certificate chain and key.
///
/// # Errors
/// [`ServerError::Certificate`] naming the file that cannot be used.
pub fn tls_settings(config: &TlsConfig) -> Result<Arc<ServerConfig>, ServerError> {
    let unusable = |path: &std::path::Path| {
        let path = path.to_owned();
        move |source: Box<dyn std::error::Error + Send + Sync>| ServerError::Certificate {
            path,
            source,
        }
    };
    let chain = CertificateDer::pem_file_iter(&config.cert_file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(&config.cert_file)(error.into()))?;
    let key = PrivateKeyDer::from_pem_file(&config.key_file)
        .map_err(|error| unusable(&config.key_file)(error.into()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let settings = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| unusable(&config.cert_file)(error.into()))?;
    Ok(Arc::new(settings))
}
