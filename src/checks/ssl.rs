//! The TLS certificate: what the handshake that was made anyway showed of it, or, where an invalid one
//! stopped that, a second handshake that accepts anything and asks for nothing.

use data_encoding::HEXUPPER;
use nips::RelayUrl;
use nips::nip66::{Ssl, one_line};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;
use x509_parser::x509::X509Name;

use crate::net::{CertificateProblem, Net, NetError, TlsInfo};

/// Names kept of one certificate. Those of hosters list hundreds of customers, none of them our relay.
const MAX_NAMES: usize = 64;

/// Looks at a certificate that is not accepted elsewhere. Nothing is sent over the connection.
///
/// # Errors
/// [`NetError`] when there is no handshake at all.
pub async fn examine(net: &Net, relay: &RelayUrl, deadline: Instant) -> Result<Ssl, NetError> {
    let seen = net.examine_tls(relay, deadline).await?;
    Ok(of_handshake(&seen))
}

/// What a handshake showed. A certificate that cannot be parsed has a fingerprint all the same.
pub fn of_handshake(seen: &TlsInfo) -> Ssl {
    let own = seen.certificates.first();
    let parsed = own.and_then(|own| parse_x509_certificate(own).ok());
    let parsed = parsed.map(|(_, certificate)| certificate);
    let mut ssl = parsed.as_ref().map(of_certificate).unwrap_or_default();
    ssl.valid = Some(seen.problem.is_none());
    ssl.invalid_reason = seen
        .problem
        .map(|problem| reason(problem, parsed.as_ref()).to_owned());
    ssl.fingerprint = own.map(|own| fingerprint(own));
    ssl.protocol = Some(seen.protocol.to_owned());
    ssl.cipher = one_line(seen.cipher_suite);
    ssl.cipher_bits = cipher_bits(seen.cipher_suite);
    ssl
}

fn of_certificate(certificate: &X509Certificate<'_>) -> Ssl {
    let validity = certificate.validity();
    let seconds = |at: i64| u64::try_from(at).ok();
    let issuer = certificate.issuer();
    let organisation = issuer.iter_organization().next();
    Ssl {
        subject_cn: common_name(certificate.subject()),
        issuer: organisation.and_then(|it| one_line(it.as_str().ok()?)),
        issuer_cn: common_name(issuer),
        expires: seconds(validity.not_after.timestamp()),
        not_before: seconds(validity.not_before.timestamp()),
        san: names(certificate),
        serial: serial(certificate.raw_serial()),
        version: u8::try_from(certificate.version().0).ok(),
        ..Ssl::default()
    }
}

fn common_name(name: &X509Name<'_>) -> Option<String> {
    let first = name.iter_common_name().next()?;
    one_line(first.as_str().ok()?)
}

/// The DNS names that a certificate is for, in its own order.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let names = extension.value.general_names.iter();
    let names = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => one_line(name),
        _ => None,
    });
    names.take(MAX_NAMES).collect()
}

/// A byte in front that only keeps the number from being negative is not part of it.
fn serial(encoded: &[u8]) -> Option<String> {
    let number = match encoded {
        [0, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    one_line(&HEXUPPER.encode(number))
}

/// Whoever made their own certificate wants to hear that, and not that its issuer is unknown.
fn reason(problem: CertificateProblem, certificate: Option<&X509Certificate<'_>>) -> &'static str {
    let is_self_signed = certificate
        .is_some_and(|certificate| certificate.subject().as_raw() == certificate.issuer().as_raw());
    match problem {
        CertificateProblem::UnknownIssuer if is_self_signed => "self_signed",
        problem => problem.as_str(),
    }
}

/// E.g. `SHA256:9F:86:D0`, with 32 bytes.
fn fingerprint(der: &[u8]) -> String {
    let bytes = Sha256::digest(der);
    let bytes = bytes.iter().map(|byte| HEXUPPER.encode(&[*byte]));
    format!("SHA256:{}", bytes.collect::<Vec<_>>().join(":"))
}

/// The key size of a suite, which its name tells.
fn cipher_bits(suite: &str) -> Option<u16> {
    if suite.contains("AES_128") {
        Some(128)
    } else if suite.contains("AES_256") || suite.contains("CHACHA20") {
        Some(256)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use fleet::Authority;

    use super::*;

    fn seen(certificate: &[u8], problem: Option<CertificateProblem>) -> TlsInfo {
        TlsInfo {
            certificates: vec![certificate.to_vec().into()],
            problem,
            protocol: "TLSv1.3",
            cipher_suite: "TLS13_AES_128_GCM_SHA256",
        }
    }

    #[test]
    fn what_is_no_certificate_has_a_fingerprint() {
        let ssl = of_handshake(&seen(b"abc", Some(CertificateProblem::Malformed)));
        assert_eq!(ssl.valid, Some(false));
        assert_eq!(ssl.invalid_reason.as_deref(), Some("malformed"));
        let fingerprint = ssl.fingerprint.unwrap();
        assert!(fingerprint.starts_with("SHA256:BA:78:16:BF:8F:01:CF:EA:"));
        assert_eq!(fingerprint.len(), "SHA256:".len() + 32 * 3 - 1);
        assert_eq!((ssl.subject_cn, ssl.expires, ssl.san), (None, None, vec![]));
    }

    #[test]
    fn a_certificate_that_names_itself_as_issuer_is_self_signed() {
        let authority = Authority::new().unwrap();
        let unknown = Some(CertificateProblem::UnknownIssuer);
        let ssl = of_handshake(&seen(&authority.der(), unknown));
        assert_eq!(ssl.invalid_reason.as_deref(), Some("self_signed"));
        assert_eq!(ssl.subject_cn, ssl.issuer_cn);
        assert_eq!(ssl.version, Some(2));
        assert_eq!((ssl.cipher_bits, ssl.valid), (Some(128), Some(false)));
    }
}
