//! One look at one relay: one WebSocket connection and one HTTP request, one after the other, since some
//! relays punish more than that.

use nips::nip11::RelayInformation;
use nips::nip66::{Observation, Phase};
use nips::{Kind, RelayUrl};
use tokio::time::{Duration, Instant};
use tracing::debug;

use crate::checks::nip11;
use crate::checks::rtt::{self, RttCheck};
use crate::config::MonitorProcessing;
use crate::net::{Net, Session};
use crate::services::signer::Signer;

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// What was found out.
#[derive(Debug, Clone, Default)]
pub(super) struct Findings {
    /// Connection, reading, writing.
    pub connection: RttCheck,
    /// The NIP-11 document, if one was read.
    pub information: Option<RelayInformation>,
}

impl Findings {
    /// What is published, as far as `include` says so.
    pub(super) fn into_observation(self, includes_information: bool) -> Observation {
        Observation {
            rtt: self.connection.rtt,
            information: self.information.filter(|_| includes_information),
            ..Observation::default()
        }
    }
}

/// Looks at a relay; everything ends before the deadline.
pub(super) async fn look_at(
    net: &Net,
    signer: &Signer,
    processing: &MonitorProcessing,
    relay: &RelayUrl,
    deadline: Instant,
) -> Findings {
    let (mut connection, session) = rtt::open_and_read(net, relay, deadline).await;
    let mut information = None;
    if connection.is_online() && processing.compute.nip11_info {
        let max_bytes = processing.nip11_info_max_size;
        match nip11::fetch(net, relay, max_bytes, deadline).await {
            Ok(read) => information = Some(read),
            Err(failure) => debug!(
                check = "nip11_info",
                reason = failure.reason(),
                "check_failed"
            ),
        }
    }
    if let Some(mut session) = session {
        if processing.write_probe && may_write(information.as_ref()) && connection.is_online() {
            connection.rtt.write = probe(&mut session, signer, relay, deadline).await;
        }
        session.close(deadline.min(Instant::now() + GOODBYE)).await;
    }
    Findings {
        connection,
        information,
    }
}

/// No relay can make us work for the right to write to it.
fn may_write(information: Option<&RelayInformation>) -> bool {
    let bits = information.and_then(|read| read.limitation.min_pow_difficulty);
    bits.unwrap_or(0) == 0
}

async fn probe(
    session: &mut Session,
    signer: &Signer,
    relay: &RelayUrl,
    deadline: Instant,
) -> Phase {
    let tags = vec![vec!["d".to_owned(), relay.as_str().to_owned()]];
    let event = signer.sign(Kind::WRITE_PROBE, tags, "nip66-test".to_owned());
    rtt::write(session, &event, deadline).await
}
