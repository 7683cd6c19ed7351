//! The laboratory's certificate authority and the TLS servers of its members.

use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// What is the matter with a member's certificate (B24).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// Signed by the laboratory's authority for the member's name.
    Valid,
    /// Signed by nobody but itself.
    SelfSigned,
    /// Valid until the end of 2020.
    Expired,
    /// Valid from 2059 on.
    NotYetValid,
    /// Valid, for another name.
    WrongName,
}

/// A certificate authority that lives as long as the fleet.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a new authority with a key of its own.
    ///
    /// # Errors
    /// When the key or the certificate cannot be made.
    pub fn new() -> Result<Self> {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "Nostr laboratory authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().context("could not make the authority's key")?;
        let issuer = CertifiedIssuer::self_signed(params, key)
            .context("could not sign the authority's certificate")?;
        Ok(Self { issuer })
    }

    /// The authority's certificate, for `networks.extra_ca_file`.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// The authority's certificate in DER.
    pub fn der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// A valid certificate for `name` and its key, both as PEM, for a server that reads files.
    ///
    /// # Errors
    /// When the key or the certificate cannot be made.
    pub fn issue(&self, name: &str) -> Result<(String, String)> {
        let (leaf, key) = self.leaf(name, Certificate::Valid)?;
        Ok((leaf.pem(), key.serialize_pem()))
    }

    /// A TLS server for `name` with that certificate.
    ///
    /// # Errors
    /// When the key or the certificate cannot be made.
    pub fn server(&self, name: &str, certificate: Certificate) -> Result<Arc<ServerConfig>> {
        let (leaf, key) = self.leaf(name, certificate)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)?;
        Ok(Arc::new(config))
    }

    fn leaf(&self, name: &str, certificate: Certificate) -> Result<(rcgen::Certificate, KeyPair)> {
        let name = match certificate {
            Certificate::WrongName => "somebody-else.nostr-lab.net",
            _ => name,
        };
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = match certificate {
            Certificate::NotYetValid => date_time_ymd(2059, 1, 1),
            _ => date_time_ymd(2020, 1, 1),
        };
        params.not_after = match certificate {
            Certificate::Expired => date_time_ymd(2020, 12, 31),
            _ => date_time_ymd(2060, 1, 1),
        };
        let key = KeyPair::generate()?;
        let leaf = match certificate {
            Certificate::SelfSigned => params.self_signed(&key)?,
            _ => params.signed_by(&key, &self.issuer)?,
        };
        Ok((leaf, key))
    }
}
