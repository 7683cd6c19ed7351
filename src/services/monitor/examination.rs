//! One look at one relay: one WebSocket connection and one HTTP request, one after the other, since some
//! relays punish more than that. Name servers are asked meanwhile. All of it shares one deadline.

use std::net::IpAddr;

use nips::host::is_reserved;
use nips::nip11::RelayInformation;
use nips::nip66::{ClaimAudit, Dns, Phase, Ssl};
use nips::{Event, Kind, Network, RelayUrl, nip13};
use tokio::task::spawn_blocking;
use tokio::time::{Duration, Instant};

use super::findings::Findings;
use crate::checks::audit::{self, AuditOptions, Signing};
use crate::checks::geoip::{Addresses, GeoIp};
use crate::checks::nip11::Nip11Failure;
use crate::checks::retry::{Retries, may_pass};
use crate::checks::{dns, http, nip11, rtt, ssl};
use crate::config::{GeoFile, MonitorConfig, MonitorProcessing};
use crate::model::MetadataType;
use crate::net::{Net, Session};
use crate::services::signer::Signer;

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// What a relay's answers led to, and why there is nothing where there is not.
type Checked<T> = Result<T, String>;

/// How much a relay is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// What every check needs.
    Checks,
    /// Also whether it does what it claims.
    Claims,
}

/// Looks at relays, as far as the configuration says.
pub struct Examiner {
    net: Net,
    signer: Signer,
    processing: MonitorProcessing,
    geoip: GeoIp,
}

impl Examiner {
    /// One who dials by `net` and signs write probes. Opens the files that say where addresses are.
    pub fn new(net: Net, signer: Signer, config: &MonitorConfig) -> Self {
        Self {
            net,
            signer,
            processing: config.processing.clone(),
            geoip: GeoIp::open(&config.geo),
        }
    }

    /// Gets the files that are missing or old at `now` unix seconds, and opens what has changed.
    pub async fn keep_up(&self, now: u64) {
        self.geoip.keep_up(&self.net, now).await;
    }

    /// Whether a check is on and has what it needs.
    pub(super) fn makes(&self, check: MetadataType) -> bool {
        let has_means = match check {
            MetadataType::Nip66Geo => self.geoip.has(GeoFile::City),
            MetadataType::Nip66Net => self.geoip.has(GeoFile::Asn),
            // The document holds the claims.
            MetadataType::ClaimAudit => self.includes(MetadataType::Nip11Info),
            _ => true,
        };
        has_means && self.includes(check)
    }

    /// Looks at a relay; everything ends before the deadline, but for an audit, which begins when the checks
    /// are made and has as much time again.
    pub async fn look_at(&self, relay: &RelayUrl, depth: Depth, deadline: Instant) -> Findings {
        let retries = Retries::new(&self.processing.retries.nip66_rtt, deadline);
        let opening = rtt::open_and_read(&self.net, relay, retries, deadline);
        let (connection, session) = opening.await;
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
        let address = session.remote_addr().ip();
        let write = &mut findings.connection.rtt.write;
        let ((information, claims), dns) = tokio::join!(
            self.converse(session, write, depth, deadline),
            self.look_up(relay, deadline)
        );
        findings.information = findings.note(MetadataType::Nip11Info, information);
        findings.claims = claims;
        findings.dns = findings.note(MetadataType::Nip66Dns, dns);
        if let (Some(dns), Some(phases)) = (&mut findings.dns, findings.connection.phases) {
            // Whoever asks first waits; a name server that was asked a moment ago knows the answer.
            dns.query_time = dns.query_time.max(phases.dns);
        }
        self.locate(relay, address, &mut findings);
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

    /// Looks up the addresses of the name, or the one that was reached. Behind a proxy that is the proxy's,
    /// and inside of a network nobody's.
    fn locate(&self, relay: &RelayUrl, reached: IpAddr, findings: &mut Findings) {
        if relay.network() != Network::Clearnet {
            return;
        }
        let named = findings.dns.as_ref().map(|dns| Addresses {
            v4: dns.ips.first().copied(),
            v6: dns.ips_v6.first().copied(),
        });
        let reached = (!is_reserved(reached)).then(|| reached.into());
        let named = named.filter(|named| *named != Addresses::default());
        let Some(addresses) = named.or(reached) else {
            return;
        };
        if self.makes(MetadataType::Nip66Geo) {
            findings.geo = self.geoip.place(addresses);
        }
        if self.makes(MetadataType::Nip66Net) {
            findings.net = self.geoip.network(addresses);
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
            let retries = Retries::new(&self.processing.retries.nip66_ssl, deadline);
            let attempt = || ssl::examine(&self.net, relay, deadline);
            let examined = retries.run(may_pass, attempt).await;
            let examined: Checked<Option<Ssl>> = examined
                .map(Some)
                .map_err(|failure| failure.reason().to_owned());
            findings.ssl = findings.note(MetadataType::Nip66Ssl, examined);
        }
    }

    /// Reads the document, writes if that is wanted, audits if that is, and hangs up.
    async fn converse(
        &self,
        mut session: Session,
        write: &mut Phase,
        depth: Depth,
        deadline: Instant,
    ) -> (Checked<Option<RelayInformation>>, Option<ClaimAudit>) {
        let relay = &session.relay().clone();
        let patience = if self.processing.write_probe {
            // A document that drips in must not take the time of the write.
            halfway(deadline)
        } else {
            deadline
        };
        let information = self.fetch_information(relay, patience).await;
        let read = information.as_ref().ok().and_then(Option::as_ref);
        let bits = read.and_then(|read| read.limitation.min_pow_difficulty);
        if self.processing.write_probe
            && let Some(event) = self.probe(relay, bits.unwrap_or(0), deadline).await
        {
            *write = rtt::write(&mut session, &event, deadline).await;
        }
        let mut claims = None;
        // Who wants no crawler gets no more questions than a check needs.
        let audited = read.filter(|read| depth == Depth::Claims && !read.wants_no_archive());
        if let Some(read) = audited {
            claims = Some(self.audit(&mut session, read).await);
        }
        goodbye(session, Instant::now() + GOODBYE).await;
        (information, claims)
    }

    /// Holds the relay against its document.
    async fn audit(&self, session: &mut Session, information: &RelayInformation) -> ClaimAudit {
        let config = &self.processing.audit;
        let now = self.signer.now();
        let sign = |created_at, kind, tags| {
            let content = "a note of a relay monitor".to_owned();
            self.signer.sign_at(created_at, kind, tags, content)
        };
        let signing = config.write_probe.then_some(Signing { sign: &sign, now });
        let options = AuditOptions {
            deadline: self.net.deadline(session.relay().network()),
            pause: config.pause,
            now,
            signing,
        };
        audit::audit(session, information, options).await
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
        let retries = Retries::new(&self.processing.retries.nip11_info, deadline);
        let attempt = || nip11::fetch(&self.net, relay, max_bytes, deadline);
        let fetched = retries.run(Nip11Failure::may_pass, attempt).await;
        fetched
            .map(Some)
            .map_err(|failure| failure.reason().to_owned())
    }

    async fn look_up(&self, relay: &RelayUrl, deadline: Instant) -> Checked<Option<Dns>> {
        if !self.includes(MetadataType::Nip66Dns) || !dns::applies_to(relay) {
            return Ok(None);
        }
        let retries = Retries::new(&self.processing.retries.nip66_dns, deadline);
        let attempt = || dns::read(&self.net, relay, deadline);
        let read = retries.run(may_pass, attempt).await;
        read.map(Some)
            .map_err(|failure| failure.reason().to_owned())
    }

    /// The event to write, with the proof of work that the relay asks for; `None` where that is more than
    /// any relay gets, or takes too long.
    async fn probe(&self, relay: &RelayUrl, bits: u64, deadline: Instant) -> Option<Event> {
        let tags = vec![vec!["d".to_owned(), relay.as_str().to_owned()]];
        let mut draft = self
            .signer
            .draft(Kind::WRITE_PROBE, tags, "nip66-test".to_owned());
        let bits = u16::try_from(bits).ok()?;
        if bits > self.processing.max_pow_difficulty {
            return None;
        }
        if bits > 0 {
            let is_enough = move || Instant::now() >= deadline;
            let work = move || nip13::mine(&mut draft, bits, is_enough).then_some(draft);
            draft = spawn_blocking(work).await.ok()??;
        }
        Some(self.signer.finish(&draft))
    }
}

fn halfway(deadline: Instant) -> Instant {
    let now = Instant::now();
    now + deadline.saturating_duration_since(now) / 2
}

async fn goodbye(session: Session, deadline: Instant) {
    session.close(deadline.min(Instant::now() + GOODBYE)).await;
}
