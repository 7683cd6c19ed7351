//! The network layer against the laboratory and against sockets that a test scripts byte by byte.

mod http;
mod names;
mod opening;
mod publication;
mod reconciliation;
mod request;
mod script;
mod standing;
mod tor;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bigbrotr::net::{AuthSigner, Net, NetSettings, OpenOptions, RequestOptions};
use fleet::events::{Author, Generator};
use fleet::{Fleet, FleetPlan, Member, MemberPlan};
use nips::{EventId, Filter, Kind, Network, RelayUrl};
use tempfile::NamedTempFile;
use tokio::time::Instant;

/// Long enough for anything that is meant to succeed on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// For what is meant to run into its deadline.
const SHORT: Duration = Duration::from_millis(1_500);
/// For what has to come and is followed by silence: the test lasts this long.
const A_WHILE: Duration = Duration::from_secs(3);
/// Much less than the hours that a byte a second would take, more than a busy machine needs.
const SLACK: Duration = Duration::from_secs(8);

/// A fleet and a network handle that is configured for it.
struct Lab {
    fleet: Fleet,
    net: Net,
    settings: NetSettings,
    _authority: NamedTempFile,
}

impl Lab {
    async fn start(plan: FleetPlan) -> Self {
        let fleet = Fleet::start(plan).await.expect("the laboratory starts");
        let mut authority = NamedTempFile::new().expect("a temporary file");
        let written = authority.write_all(fleet.ca_pem().as_bytes());
        written.expect("room for a certificate");
        let mut settings = NetSettings {
            hosts: fleet.hosts().into_iter().collect(),
            dns_servers: vec![fleet.dns().address()],
            extra_ca_file: Some(authority.path().to_owned()),
            ..NetSettings::default()
        };
        for network in Network::ALL {
            let one = settings.networks.get_mut(network);
            one.enabled = true;
            if network.is_overlay() {
                one.proxy = Some(fleet.socks().url().parse().expect("a proxy address"));
            }
        }
        Self {
            net: Net::new(settings.clone()).expect("settings that can be used"),
            settings,
            fleet,
            _authority: authority,
        }
    }

    async fn of(member: MemberPlan) -> Self {
        Self::start(FleetPlan::new(7).events(60).member(member)).await
    }

    fn member(&self) -> &Member {
        self.fleet.member(0)
    }

    fn url(&self) -> &RelayUrl {
        self.member().url()
    }
}

fn soon() -> Instant {
    Instant::now() + PATIENCE
}

fn options(deadline: Instant) -> RequestOptions {
    RequestOptions {
        deadline,
        max_events: 10_000,
        max_bytes: 64 << 20,
    }
}

fn any(limit: usize) -> Filter {
    Filter {
        limit: Some(limit),
        ..Filter::default()
    }
}

/// Signs kind 22242 with a key that belongs to nobody.
struct TestSigner(Author);

impl TestSigner {
    fn new() -> Arc<Self> {
        Arc::new(Self(Generator::new(1).author()))
    }
}

impl AuthSigner for TestSigner {
    fn sign_auth(&self, relay: &RelayUrl, challenge: &str) -> Option<(EventId, String)> {
        let tags = vec![
            vec!["relay".to_owned(), relay.to_string()],
            vec!["challenge".to_owned(), challenge.to_owned()],
        ];
        let event = self.0.sign(Kind::CLIENT_AUTH, 1_700_000_000, tags, "");
        Some((event.id(), event.to_json()))
    }
}

fn with_signer() -> OpenOptions {
    OpenOptions {
        auth: Some(TestSigner::new()),
        ..OpenOptions::default()
    }
}
