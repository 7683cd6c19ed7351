//! TLS by rustls: trust anchors, the one verifier, and what was seen of the peer's certificate.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error,
    ProtocolVersion, RootCertStore, SignatureScheme,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::dialer::Security;
use super::error::{NetError, ResolveFailure};

/// Makes *ring* the process's TLS cryptography. May be called any number of times.
pub fn install_crypto_provider() {
    // An error only says that there is one already.
    let _ = ring::default_provider().install_default();
}

/// What is wrong with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CertificateProblem {
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotValidYet,
    /// It is for other names.
    WrongName,
    /// Neither the platform's roots nor `extra_ca_file` vouch for it; self-signed ones included.
    UnknownIssuer,
    /// It was revoked.
    Revoked,
    /// A signature in the chain or the handshake is wrong, or of an unknown kind.
    BadSignature,
    /// It is for another purpose than serving.
    WrongPurpose,
    /// It cannot be parsed, or breaks another rule.
    Malformed,
}

impl CertificateProblem {
    /// Stable label, e.g. `unknown_issuer`.
    pub fn as_str(self) -> &'static str {
        let reason = self.reason();
        reason.strip_prefix("certificate_").unwrap_or(reason)
    }

    /// Why a connection failed, e.g. `certificate_unknown_issuer`.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Expired => "certificate_expired",
            Self::NotValidYet => "certificate_not_valid_yet",
            Self::WrongName => "certificate_wrong_name",
            Self::UnknownIssuer => "certificate_unknown_issuer",
            Self::Revoked => "certificate_revoked",
            Self::BadSignature => "certificate_bad_signature",
            Self::WrongPurpose => "certificate_wrong_purpose",
            Self::Malformed => "certificate_malformed",
        }
    }

    fn of(error: &Error) -> Option<Self> {
        match error {
            Error::InvalidCertificate(error) => Some(Self::of_certificate(error)),
            Error::NoCertificatesPresented => Some(Self::Malformed),
            _ => None,
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        use CertificateError as E;
        match error {
            E::Expired | E::ExpiredContext { .. } => Self::Expired,
            E::NotValidYet | E::NotValidYetContext { .. } => Self::NotValidYet,
            E::NotValidForName | E::NotValidForNameContext { .. } => Self::WrongName,
            E::UnknownIssuer => Self::UnknownIssuer,
            E::Revoked => Self::Revoked,
            E::BadSignature
            | E::UnsupportedSignatureAlgorithmContext { .. }
            | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => Self::BadSignature,
            E::InvalidPurpose | E::InvalidPurposeContext { .. } => Self::WrongPurpose,
            // What `openssl req -x509` makes is marked as an authority: nobody's but its own.
            E::Other(other) => match other.0.downcast_ref::<webpki::Error>() {
                Some(webpki::Error::CaUsedAsEndEntity) => Self::UnknownIssuer,
                _ => Self::Malformed,
            },
            _ => Self::Malformed,
        }
    }
}

impl fmt::Display for CertificateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a finished handshake showed.
#[derive(Debug, Clone)]
pub struct TlsInfo {
    /// The peer's certificates as DER, its own first.
    pub certificates: Vec<CertificateDer<'static>>,
    /// Why the certificate is not valid; only ever `Some` when `allow_insecure` was given.
    pub problem: Option<CertificateProblem>,
    /// `TLSv1.2` or `TLSv1.3`.
    pub protocol: &'static str,
    /// The cipher suite's IANA name, e.g. `TLS13_AES_128_GCM_SHA256`.
    pub cipher_suite: &'static str,
}

/// Both ways to do a handshake, built once.
#[derive(Debug)]
pub(super) struct TlsSettings {
    verified: Arc<ClientConfig>,
    any: Arc<ClientConfig>,
    verifier: Arc<Verifier>,
}

impl TlsSettings {
    pub(super) fn load(extra_ca_file: Option<&Path>) -> Result<Self, NetError> {
        let mut roots = platform_roots();
        if let Some(path) = extra_ca_file {
            add_file(&mut roots, path).map_err(|source| NetError::Setup {
                path: path.to_owned(),
                source,
            })?;
        }
        let provider = Arc::new(ring::default_provider());
        let verifier = Arc::new(Verifier::insisting(roots, Arc::clone(&provider)));
        let accepting = Arc::new(Verifier::accepting(Arc::clone(&provider)));
        Ok(Self {
            verified: client_config(&provider, Arc::clone(&verifier)),
            any: client_config(&provider, accepting),
            verifier,
        })
    }

    pub(super) async fn handshake(
        &self,
        host: &str,
        security: Security,
        stream: TcpStream,
    ) -> Result<(TlsStream<TcpStream>, TlsInfo), NetError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| NetError::Resolve {
            host: host.to_owned(),
            failure: ResolveFailure::Malformed,
        })?;
        let config = match security {
            Security::AnyTls => &self.any,
            Security::VerifiedTls | Security::Plain => &self.verified,
        };
        let connector = TlsConnector::from(Arc::clone(config));
        let connected = connector.connect(name.clone(), stream).await;
        let stream = connected.map_err(|source| error_of(host, source))?;
        let info = self.examine(stream.get_ref().1, &name);
        Ok((stream, info))
    }

    /// Checks again what an accepting handshake let through, so that the reason is known.
    fn examine(&self, connection: &ClientConnection, name: &ServerName<'_>) -> TlsInfo {
        let certificates = connection.peer_certificates().unwrap_or_default().to_vec();
        let verdict = match certificates.split_first() {
            Some((own, chain)) => {
                let now = UnixTime::now();
                self.verifier.verify_server_cert(own, chain, name, &[], now)
            }
            None => Err(Error::NoCertificatesPresented),
        };
        let suite = connection.negotiated_cipher_suite();
        TlsInfo {
            certificates,
            problem: verdict
                .err()
                .and_then(|error| CertificateProblem::of(&error)),
            protocol: match connection.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
                _ => "TLSv1.3",
            },
            cipher_suite: suite.and_then(|suite| suite.suite().as_str()).unwrap_or(""),
        }
    }
}

fn error_of(host: &str, source: io::Error) -> NetError {
    let host = host.to_owned();
    let cause = source
        .get_ref()
        .and_then(|cause| cause.downcast_ref::<Error>());
    match cause.and_then(CertificateProblem::of) {
        Some(problem) => NetError::Certificate { host, problem },
        None => NetError::Tls { host, source },
    }
}

/// No ALPN: WebSocket needs HTTP/1.1, and so does our HTTP client. No resumption: each connection
/// shows and checks the certificate, and its handshake times can be compared.
fn client_config(provider: &Arc<CryptoProvider>, verifier: Arc<Verifier>) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(provider));
    let builder = builder.with_safe_default_protocol_versions();
    let builder = builder.expect("ring does TLS 1.2 and 1.3");
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = builder.with_no_client_auth();
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

fn platform_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "could not load a platform certificate");
    }
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        tracing::warn!("the platform has no trusted certificates: wss relays will be refused");
    }
    roots
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> io::Result<()> {
    let pem = std::fs::read(path)?;
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(io::Error::other)?;
        roots.add(certificate).map_err(io::Error::other)?;
        count += 1;
    }
    if count == 0 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "no certificate in it",
        ));
    }
    Ok(())
}

/// Whose certificates are good.
#[derive(Debug)]
enum Trust {
    /// Those that the roots vouch for.
    Roots(Arc<WebPkiServerVerifier>),
    /// Nobody's: there are no roots. Webpki's verifier refuses to exist then, but such a machine
    /// can still reach `ws` and overlay relays.
    Nobody,
    /// Anybody's (`allow_insecure`). The handshake's own signatures are checked even so.
    Anybody,
}

#[derive(Debug)]
struct Verifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn insisting(roots: RootCertStore, provider: Arc<CryptoProvider>) -> Self {
        let builder =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let trust = builder.build().map_or(Trust::Nobody, Trust::Roots);
        Self { trust, provider }
    }

    fn accepting(provider: Arc<CryptoProvider>) -> Self {
        let trust = Trust::Anybody;
        Self { trust, provider }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.trust {
            Trust::Roots(webpki) => webpki.verify_server_cert(own, chain, name, ocsp, now),
            Trust::Nobody => Err(CertificateError::UnknownIssuer.into()),
            Trust::Anybody => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use fleet::Authority;

    use super::*;

    #[test]
    fn an_authority_that_serves_itself_is_an_unknown_issuer() {
        let (known, unknown) = (Authority::new().unwrap(), Authority::new().unwrap());
        let mut roots = RootCertStore::empty();
        roots.add(known.der()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let name = ServerName::try_from("relay.nostr-lab.net").unwrap();
        for roots in [roots, RootCertStore::empty()] {
            let verifier = Verifier::insisting(roots, Arc::clone(&provider));
            let own = unknown.der();
            let verdict = verifier.verify_server_cert(&own, &[], &name, &[], UnixTime::now());
            let problem = CertificateProblem::of(&verdict.unwrap_err());
            assert_eq!(problem, Some(CertificateProblem::UnknownIssuer));
        }
    }
}
