//! One look at one relay: one WebSocket connection and one HTTP request, one after the other, since some
//! relays punish more than that. Name servers are asked meanwhile. All of it shares one deadline.

use nips::nip11::RelayInformation;
use nips::nip66::{Dns, Phase, Ssl};
use nips::{Kind, RelayUrl};
use tokio::time::{Duration, Instant};

use super::findings::Findings;
use crate::checks::{dns, http, nip11, rtt, ssl};
use crate::config::MonitorProcessing;
use crate::model::MetadataType;
use crate::net::{Net, Session};
use crate::services::signer::Signer;

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// What a relay's answers led to, and why there is nothing where there is not.
type Checked<T> = Result<T, String>;

/// Looks at relays, as far as the configuration says.
pub struct Examiner {
    net: Net,
    signer: Signer,
    processing: MonitorProcessing,
}

impl Examiner {
    /// One who dials by `net` and signs write probes.
    pub fn new(net: Net, signer: Signer, processing: MonitorProcessing) -> Self {
        Self {
            net,
            signer,
            processing,
        }
    }

    /// Looks at a relay; everything ends before the deadline.
    pub async fn look_at(&self, relay: &RelayUrl, deadline: Instant) -> Findings {
        let (connection, session) = rtt::open_and_read(&self.net, relay, deadline).await;
        let mut findings = Findings {
            connection,
            ..Findings::default()
        };
        let Some(session) = session else {
            self.look_at_refused_certificate(relay, &mut findings, deadline)
                .await;
            return findings;
        };
        self.look_at_handshake(&session, &mut findings);
        if !findings.connection.is_online() {
            goodbye(session, deadline).await;
            return findings;
        }
        let write = &mut findings.connection.rtt.write;
        let (information, dns) = tokio::join!(
            self.converse(session, relay, write, deadline),
            self.look_up(relay, deadline)
        );
        findings.information = findings.note(MetadataType::Nip11Info, information);
        findings.dns = findings.note(MetadataType::Nip66Dns, dns);
        if let (Some(dns), Some(phases)) = (&mut findings.dns, findings.connection.phases) {
            // Whoever asks first waits; a name server that was asked a moment ago knows the answer.
            dns.query_time = dns.query_time.max(phases.dns);
        }
        findings
    }

    fn includes(&self, check: MetadataType) -> bool {
        self.processing.compute.includes(check)
    }

    /// What can be told without another word.
    fn look_at_handshake(&self, session: &Session, findings: &mut Findings) {
        if self.includes(MetadataType::Nip66Ssl) {
            findings.ssl = session.tls().map(ssl::of_handshake);
        }
        if self.includes(MetadataType::Nip66Http) {
            findings.http = http::of_headers(session.upgrade_headers());
        }
    }

    /// A relay that nobody reaches for its certificate has one that can be looked at.
    async fn look_at_refused_certificate(
        &self,
        relay: &RelayUrl,
        findings: &mut Findings,
        deadline: Instant,
    ) {
        let is_refused = findings.connection.certificate.is_some();
        if is_refused && self.includes(MetadataType::Nip66Ssl) {
            let examined = ssl::examine(&self.net, relay, deadline).await;
            let examined: Checked<Option<Ssl>> = examined
                .map(Some)
                .map_err(|failure| failure.reason().to_owned());
            findings.ssl = findings.note(MetadataType::Nip66Ssl, examined);
        }
    }

    /// Reads the document, writes if that is wanted, and hangs up.
    async fn converse(
        &self,
        mut session: Session,
        relay: &RelayUrl,
        write: &mut Phase,
        deadline: Instant,
    ) -> Checked<Option<RelayInformation>> {
        let information = self.fetch_information(relay, deadline).await;
        let read = information.as_ref().ok().and_then(Option::as_ref);
        if self.processing.write_probe && may_write(read) {
            *write = self.probe(&mut session, relay, deadline).await;
        }
        goodbye(session, deadline).await;
        information
    }

    async fn fetch_information(
        &self,
        relay: &RelayUrl,
        deadline: Instant,
    ) -> Checked<Option<RelayInformation>> {
        if !self.includes(MetadataType::Nip11Info) {
            return Ok(None);
        }
        let max_bytes = self.processing.nip11_info_max_size;
        let fetched = nip11::fetch(&self.net, relay, max_bytes, deadline).await;
        fetched
            .map(Some)
            .map_err(|failure| failure.reason().to_owned())
    }

    async fn look_up(&self, relay: &RelayUrl, deadline: Instant) -> Checked<Option<Dns>> {
        if !self.includes(MetadataType::Nip66Dns) || !dns::applies_to(relay) {
            return Ok(None);
        }
        let read = dns::read(&self.net, relay, deadline).await;
        read.map(Some)
            .map_err(|failure| failure.reason().to_owned())
    }

    async fn probe(&self, session: &mut Session, relay: &RelayUrl, deadline: Instant) -> Phase {
        let tags = vec![vec!["d".to_owned(), relay.as_str().to_owned()]];
        let event = self
            .signer
            .sign(Kind::WRITE_PROBE, tags, "nip66-test".to_owned());
        rtt::write(session, &event, deadline).await
    }
}

async fn goodbye(session: Session, deadline: Instant) {
    session.close(deadline.min(Instant::now() + GOODBYE)).await;
}

/// No relay can make us work for the right to write to it.
fn may_write(information: Option<&RelayInformation>) -> bool {
    let bits = information.and_then(|read| read.limitation.min_pow_difficulty);
    bits.unwrap_or(0) == 0
}
