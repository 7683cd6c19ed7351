//! One relay of the fleet, as the tests hold it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context, Result};
use nips::{Event, EventId, RelayUrl};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::behaviour::{Behaviour, Completeness};
use crate::information::{Answer, Information};
use crate::plan::MemberPlan;
use crate::relay::builder::Builder;
use crate::relay::listener;
use crate::relay::script::Script;
use crate::relay::session::Stage;
use crate::seen::{Recorder, Seen};

/// How long [`Member::come_back`] waits for its old port when somebody else holds it.
const REBIND_PATIENCE: Duration = Duration::from_secs(5);
const REBIND_PAUSE: Duration = Duration::from_millis(50);

/// A handle on one member. Clones are the same member.
#[derive(Clone)]
pub struct Member {
    core: Arc<Core>,
}

/// What a member is made of, shared with its tasks.
pub(crate) struct Core {
    pub name: String,
    pub host: String,
    pub url: RelayUrl,
    pub address: SocketAddr,
    pub plan: MemberPlan,
    pub tls: Option<TlsAcceptor>,
    pub engine: Engine,
    pub recorder: Arc<Recorder>,
    /// What it was loaded with or made to publish, as far as it keeps it.
    pub held: RwLock<BTreeSet<EventId>>,
    /// Where forbidden redirects lead.
    pub canary: SocketAddr,
    pub tasks: TaskTracker,
    pub stop: CancellationToken,
    pub up: Mutex<Option<Up>>,
}

/// Who answers on the WebSocket.
pub(crate) enum Engine {
    Builder(Box<Builder>),
    Scripted(Arc<Stage>),
}

/// A running listener.
pub(crate) struct Up {
    stop: CancellationToken,
    listener: JoinHandle<()>,
}

impl Member {
    pub(crate) fn new(core: Core) -> Self {
        Self {
            core: Arc::new(core),
        }
    }

    /// Its name in the fleet, e.g. `r07-liar`.
    pub fn name(&self) -> &str {
        &self.core.name
    }

    /// The URL as a crawler should know it.
    pub fn url(&self) -> &RelayUrl {
        &self.core.url
    }

    /// The host of the URL: a DNS name, an overlay name or an IP literal.
    pub fn host(&self) -> &str {
        &self.core.host
    }

    /// The loopback address behind the URL.
    pub fn address(&self) -> SocketAddr {
        self.core.address
    }

    /// What it was planned to be.
    pub fn plan(&self) -> &MemberPlan {
        &self.core.plan
    }

    /// Shorthand for the plan's behaviour.
    pub fn behaviour(&self) -> &Behaviour {
        &self.core.plan.behaviour
    }

    /// Ids of the valid events that it holds: its share of the fleet's, its own, and what
    /// [`Member::publish`] added; not what clients sent.
    pub fn holds(&self) -> BTreeSet<EventId> {
        let held = self.core.held.read();
        held.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ids of everything that it holds at this moment, events sent by clients included.
    ///
    /// # Errors
    /// When the relay's database does not answer.
    pub async fn stored(&self) -> Result<BTreeSet<EventId>> {
        match &self.core.engine {
            Engine::Builder(builder) => builder.ids().await,
            Engine::Scripted(stage) => Ok(stage.shelf.ids()),
        }
    }

    /// Ids of valid events that [`Behaviour::Endless`] made up and sent so far.
    pub fn streamed(&self) -> BTreeSet<EventId> {
        match &self.core.engine {
            Engine::Builder(_) => BTreeSet::new(),
            Engine::Scripted(stage) => stage.lies.streamed(),
        }
    }

    /// Ids that [`Behaviour::Liar`] sent, or may send, and that nobody may archive.
    pub fn forged(&self) -> BTreeSet<EventId> {
        match &self.core.engine {
            Engine::Scripted(stage) if self.core.plan.behaviour == Behaviour::Liar => {
                stage.lies.forged()
            }
            _ => BTreeSet::new(),
        }
    }

    /// Whether a perfect validator that was told to accept this kind of address promotes it.
    pub fn is_promotable(&self) -> bool {
        self.core.plan.is_promotable()
    }

    /// How much of [`Member::holds`] a perfect crawler can get.
    pub fn completeness(&self) -> Completeness {
        match self.is_promotable() {
            true => self.core.plan.behaviour.completeness(),
            false => Completeness::Nothing,
        }
    }

    /// What it saw so far.
    pub fn seen(&self) -> Seen {
        self.core.recorder.snapshot()
    }

    /// Adds an event and delivers it to everybody who is subscribed to it.
    ///
    /// # Errors
    /// When the relay's database does not take it.
    pub async fn publish(&self, event: Event) -> Result<()> {
        let id = event.id();
        match &self.core.engine {
            Engine::Builder(builder) => builder.publish(&event).await?,
            Engine::Scripted(stage) => {
                let event = Arc::new(event);
                stage.shelf.insert(Arc::clone(&event));
                stage.shelf.announce(event);
            }
        }
        let mut held = self
            .core
            .held
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        held.insert(id);
        Ok(())
    }

    /// Adds an event and tells nobody, as a relay does whose live delivery loses events.
    ///
    /// # Errors
    /// When the relay's database does not take it.
    pub async fn shelve(&self, event: Event) -> Result<()> {
        let Engine::Scripted(stage) = &self.core.engine else {
            anyhow::bail!("a relay that we did not write delivers what it is given");
        };
        let mut held = self
            .core
            .held
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        held.insert(event.id());
        stage.shelf.insert(Arc::new(event));
        Ok(())
    }

    /// Makes a scripted member behave like this on connections that begin from now on, as far as that is a
    /// matter of what is said on the WebSocket. What it was planned to be stays what the fleet expects.
    pub fn turn(&self, behaviour: &Behaviour) {
        if let Engine::Scripted(stage) = &self.core.engine {
            stage.rewrite(Script::of(behaviour));
        }
    }

    /// Whether something listens on its port.
    pub async fn is_up(&self) -> bool {
        self.core.up.lock().await.is_some()
    }

    /// Closes the port and drops every connection. Does nothing when it is down already.
    pub async fn go_down(&self) {
        if let Some(up) = self.core.up.lock().await.take() {
            up.stop.cancel();
            // The listener never panics and is never aborted.
            let _ = up.listener.await;
        }
    }

    /// Listens again on the same port, with everything that it held. Does nothing when it is up.
    ///
    /// # Errors
    /// When another process took the port and keeps it for five seconds.
    pub async fn come_back(&self) -> Result<()> {
        let mut up = self.core.up.lock().await;
        if up.is_none() {
            let listener = rebind(self.core.address).await?;
            *up = Some(self.listen(listener));
        }
        Ok(())
    }

    /// Starts on a listener that is bound already.
    pub(crate) async fn start(&self, listener: TcpListener) {
        *self.core.up.lock().await = Some(self.listen(listener));
    }

    fn listen(&self, listener: TcpListener) -> Up {
        let stop = self.core.stop.child_token();
        let serving = listener::serve(Arc::clone(&self.core), listener, stop.clone());
        Up {
            listener: self.core.tasks.spawn(serving),
            stop,
        }
    }
}

impl Core {
    /// The answer to a request for the NIP-11 document.
    pub(crate) fn information(&self) -> Answer {
        let plan = &self.plan;
        if let Information::Unavailable { times } = plan.information {
            let requests = self.recorder.snapshot().requests;
            let asked = requests.iter().filter(|request| !request.is_upgrade);
            if asked.count() <= times {
                return Answer::page(503);
            }
        }
        plan.information
            .answer(&self.name, &plan.behaviour, self.canary)
    }
}

async fn rebind(address: SocketAddr) -> Result<TcpListener> {
    let deadline = tokio::time::Instant::now() + REBIND_PATIENCE;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(_) if tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(REBIND_PAUSE).await;
            }
            Err(error) => {
                return Err(error).context(format!("could not listen on {address} again"));
            }
        }
    }
}
