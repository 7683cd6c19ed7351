//! The running laboratory: members, SOCKS5 server, DNS server, certificate authority.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result};
use nips::relay_url::LocalRelays;
use nips::{Event, EventId, RelayUrl};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::behaviour::{Behaviour, Completeness};
use crate::canary::Canary;
use crate::certificate::Authority;
use crate::corpus::{self, Shares};
use crate::dns::{DnsServer, Zone};
use crate::lies::Lies;
use crate::member::{Core, Engine, Member};
use crate::names;
use crate::plan::{Access, FleetPlan, MemberPlan};
use crate::relay::builder::Builder;
use crate::relay::script::Script;
use crate::relay::session::Stage;
use crate::relay::shelf::Shelf;
use crate::seen::Recorder;
use crate::socks::SocksServer;

/// A running laboratory. Everything stops when it is dropped; [`Fleet::stop`] also waits for it.
pub struct Fleet {
    members: Vec<Member>,
    events: Vec<Arc<Event>>,
    authority: Authority,
    socks: SocksServer,
    dns: DnsServer,
    canary: Canary,
    tasks: TaskTracker,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

/// A member that has an address and a name, but no events and no engine yet.
struct Site {
    plan: MemberPlan,
    name: String,
    host: String,
    url: RelayUrl,
    listener: TcpListener,
    address: SocketAddr,
}

impl Fleet {
    /// Generates the events, starts every server and returns when all of them listen.
    ///
    /// # Errors
    /// When no port can be bound on loopback, or the certificates cannot be made.
    pub async fn start(plan: FleetPlan) -> Result<Self> {
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let authority = Authority::new()?;
        let canary = Canary::start(&tasks, &stop).await?;
        let mut rng = StdRng::seed_from_u64(plan.seed);
        let mut sites = Vec::with_capacity(plan.members.len());
        for (index, member) in plan.members.into_iter().enumerate() {
            sites.push(Site::bind(index, member, &mut rng).await?);
        }
        let urls = sites.iter().map(|site| site.url.to_string()).collect();
        let plans: Vec<&MemberPlan> = sites.iter().map(|site| &site.plan).collect();
        let Shares { events, by_member } = corpus::share_out(plan.seed, plan.events, urls, &plans);
        let (socks, dns) = servers(&sites, &tasks, &stop).await?;
        let mut members = Vec::with_capacity(sites.len());
        for (site, events) in sites.into_iter().zip(by_member) {
            let seed = rng.random();
            let grounds = Grounds {
                authority: &authority,
                canary: canary.address(),
                tasks: &tasks,
                stop: &stop,
            };
            members.push(grounds.build(site, events, seed).await?);
        }
        Ok(Self {
            members,
            events,
            authority,
            socks,
            dns,
            canary,
            _stop_on_drop: stop.clone().drop_guard(),
            tasks,
            stop,
        })
    }

    /// Stops every server and waits until all tasks have ended.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// All members, in the plan's order.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The member at an index of the plan. Panics when there is none.
    pub fn member(&self, index: usize) -> &Member {
        &self.members[index]
    }

    /// The first member that stands for a scenario row, e.g. `B13`. Panics when there is none.
    pub fn row(&self, row: &str) -> &Member {
        let found = self.members.iter().find(|member| member.plan().row == row);
        found.unwrap_or_else(|| panic!("the plan has no member for {row}"))
    }

    /// Every generated event, in rising time, wherever it is held.
    pub fn events(&self) -> &[Arc<Event>] {
        &self.events
    }

    /// The ids that a perfect crawler without a login archives: all that promotable members hold and
    /// give away whole.
    pub fn union_of_valid_events(&self) -> BTreeSet<EventId> {
        self.held_by(|completeness| completeness == Completeness::Whole)
    }

    /// The ids that a correct crawler may archive: the union, what can be had from members that make
    /// completeness impossible to tell, and what endless members have streamed so far.
    pub fn archivable_events(&self) -> BTreeSet<EventId> {
        let mut ids = self.held_by(|completeness| completeness != Completeness::Nothing);
        ids.extend(self.members.iter().flat_map(Member::streamed));
        ids
    }

    /// The ids that nobody may archive: forgeries and what was sent unasked.
    pub fn forged_events(&self) -> BTreeSet<EventId> {
        self.members.iter().flat_map(Member::forged).collect()
    }

    fn held_by(&self, is_counted: impl Fn(Completeness) -> bool) -> BTreeSet<EventId> {
        let counted = self
            .members
            .iter()
            .filter(|member| is_counted(member.completeness()));
        counted.flat_map(Member::holds).collect()
    }

    /// The URLs that a perfect validator promotes.
    pub fn promotable_urls(&self) -> BTreeSet<String> {
        let promotable = self.members.iter().filter(|member| member.is_promotable());
        promotable.map(|member| member.url().to_string()).collect()
    }

    /// The authority's certificate in PEM, for `networks.extra_ca_file`.
    pub fn ca_pem(&self) -> String {
        self.authority.pem()
    }

    /// The authority, for tests that make certificates or clients of their own.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The SOCKS5 server that leads to every member by name.
    pub fn socks(&self) -> &SocksServer {
        &self.socks
    }

    /// The DNS server of `nostr-lab.net`.
    pub fn dns(&self) -> &DnsServer {
        &self.dns
    }

    /// The server where forbidden redirects lead; nobody may ever connect to it.
    pub fn canary(&self) -> &Canary {
        &self.canary
    }

    /// `networks.hosts`: the names that are reached without DNS.
    pub fn hosts(&self) -> Vec<(String, SocketAddr)> {
        let named = self
            .members
            .iter()
            .filter(|m| matches!(m.plan().access, Access::Tls(_)));
        named
            .map(|member| (member.host().to_owned(), member.address()))
            .collect()
    }
}

impl Site {
    async fn bind(index: usize, plan: MemberPlan, rng: &mut StdRng) -> Result<Self> {
        let listener = bind_loopback(index).await?;
        let address = listener.local_addr()?;
        let name = format!("r{index:02}-{}", plan.behaviour.name());
        let host = match &plan.access {
            Access::Loopback => address.ip().to_string(),
            Access::Tls(_) | Access::Dns(_) => names::clearnet(&name),
            Access::Onion => names::onion(rng.random()),
            Access::I2p => names::i2p(rng.random()),
            Access::Loki => names::loki(rng.random()),
        };
        let raw = match &plan.access {
            Access::Loopback => format!("ws://{address}"),
            Access::Tls(_) => format!("wss://{host}"),
            Access::Dns(_) => format!("wss://{host}:{}", address.port()),
            Access::Onion | Access::I2p | Access::Loki => format!("ws://{host}"),
        };
        let url = RelayUrl::parse_with(&raw, LocalRelays::Accepted)
            .with_context(|| format!("{raw} is no relay URL"))?;
        Ok(Self {
            plan,
            name,
            host,
            url,
            listener,
            address,
        })
    }
}

/// Each member gets a loopback address of its own, so that limits per host treat it as a host.
async fn bind_loopback(index: usize) -> Result<TcpListener> {
    let (block, host) = (index / 250, index % 250 + 2);
    let address = Ipv4Addr::new(127, 0, u8::try_from(block)?, u8::try_from(host)?);
    if let Ok(listener) = TcpListener::bind((address, 0)).await {
        return Ok(listener);
    }
    // Systems other than Linux give 127.0.0.1 only.
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .context("could not listen on 127.0.0.1")
}

async fn servers(
    sites: &[Site],
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<(SocksServer, DnsServer)> {
    let routes: HashMap<String, SocketAddr> = sites
        .iter()
        .map(|site| (site.host.clone(), site.address))
        .collect();
    let mut zone = Zone::new();
    for site in sites {
        match &site.plan.access {
            Access::Dns(addresses) => {
                zone.addresses(&site.host, trap(addresses, site.address.ip()))
            }
            Access::Tls(_) => zone.addresses(&site.host, vec![Zone::EXAMPLE_ADDRESS]),
            _ => {}
        }
    }
    let socks = SocksServer::start(routes, tasks, stop).await?;
    let dns = DnsServer::start(zone, tasks, stop).await?;
    Ok((socks, dns))
}

/// Loopback means the member's own loopback address, so that a connection would be noticed.
fn trap(addresses: &[IpAddr], own: IpAddr) -> Vec<IpAddr> {
    let is_loopback = |address: &IpAddr| *address == IpAddr::V4(Ipv4Addr::LOCALHOST);
    let replace = |address: &IpAddr| if is_loopback(address) { own } else { *address };
    addresses.iter().map(replace).collect()
}

/// What members are built on.
struct Grounds<'a> {
    authority: &'a Authority,
    canary: SocketAddr,
    tasks: &'a TaskTracker,
    stop: &'a CancellationToken,
}

impl Grounds<'_> {
    async fn build(&self, site: Site, events: Vec<Arc<Event>>, seed: u64) -> Result<Member> {
        let tls = match site.plan.access {
            Access::Tls(certificate) => Some(TlsAcceptor::from(
                self.authority.server(&site.host, certificate)?,
            )),
            _ => None,
        };
        let is_dead = site.plan.behaviour == Behaviour::Dead;
        let (engine, held) = engine(&site, events, seed).await?;
        let member = Member::new(Core {
            name: site.name,
            host: site.host,
            url: site.url,
            address: site.address,
            plan: site.plan,
            tls,
            engine,
            recorder: Arc::new(Recorder::default()),
            held: held.into(),
            canary: self.canary,
            tasks: self.tasks.clone(),
            stop: self.stop.clone(),
            up: Mutex::new(None),
        });
        if !is_dead {
            member.start(site.listener).await;
        }
        Ok(member)
    }
}

async fn engine(
    site: &Site,
    events: Vec<Arc<Event>>,
    seed: u64,
) -> Result<(Engine, BTreeSet<EventId>)> {
    if site.plan.behaviour == Behaviour::Healthy {
        let builder = Builder::new();
        builder.load(&events).await?;
        let held = builder.ids().await?;
        return Ok((Engine::Builder(Box::new(builder)), held));
    }
    let shelf = Shelf::new(events).with_series(site.plan.series.clone());
    let held = shelf.ids();
    let script = Script::of(&site.plan.behaviour);
    let stage = Stage::new(script, shelf, Lies::new(seed), site.url.to_string());
    Ok((Engine::Scripted(Arc::new(stage)), held))
}
