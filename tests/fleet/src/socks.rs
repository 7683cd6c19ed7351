//! A SOCKS5 server that leads to members by name and writes down what it was asked (RFC 1928, 1929).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::relay::listener::swallow;

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const CONNECT: u8 = 1;
const SUCCEEDED: u8 = 0;
const REFUSED_BY_RULES: u8 = 2;
const HOST_UNREACHABLE: u8 = 4;

/// The proxy of the overlay networks.
pub struct SocksServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// How the proxy treats who comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocksMode {
    /// Leads to members.
    Serve,
    /// The same, and knows no users (lokinet, i2pd).
    Anonymous,
    /// Takes the greeting and never answers (a stalled Tor).
    Stall,
    /// Refuses every CONNECT.
    Refuse,
}

/// One CONNECT request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocksRequest {
    /// The name, or the IP literal when the client resolved it itself.
    pub host: String,
    /// The port asked for.
    pub port: u16,
    /// Whether the proxy got the name, as it must for overlay networks.
    pub is_name: bool,
    /// The user name, which Tor uses to isolate streams.
    pub user: Option<String>,
}

struct Shared {
    routes: HashMap<String, SocketAddr>,
    state: Mutex<State>,
}

struct State {
    mode: SocksMode,
    requests: Vec<SocksRequest>,
}

impl SocksServer {
    pub(crate) async fn start(
        routes: HashMap<String, SocketAddr>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("could not listen on 127.0.0.1")?;
        let address = listener.local_addr()?;
        let state = State {
            mode: SocksMode::Serve,
            requests: Vec::new(),
        };
        let shared = Arc::new(Shared {
            routes,
            state: Mutex::new(state),
        });
        tasks.spawn(serve(listener, Arc::clone(&shared), stop.clone()));
        Ok(Self { address, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `socks5://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("socks5://{}", self.address)
    }

    /// Every CONNECT request so far.
    pub fn requests(&self) -> Vec<SocksRequest> {
        self.shared.lock().requests.clone()
    }

    /// Changes how the next clients are treated.
    pub fn set_mode(&self, mode: SocksMode) {
        self.shared.lock().mode = mode;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    // A client that goes away is nobody's error.
                    let _ = relay(stream, &shared).await;
                });
            },
            Some(_) = connections.join_next() => {}
        }
    }
    connections.shutdown().await;
}

async fn relay(mut stream: TcpStream, shared: &Shared) -> Result<()> {
    stream.set_nodelay(true)?;
    let mode = shared.lock().mode;
    let methods = read_methods(&mut stream).await?;
    if mode == SocksMode::Stall {
        swallow(&mut stream).await;
        return Ok(());
    }
    let user = authenticate(&mut stream, &methods, mode).await?;
    let request = read_connect(&mut stream, user).await?;
    let route = shared
        .routes
        .get(&request.host.to_ascii_lowercase())
        .copied();
    shared.lock().requests.push(request);
    let target = match (mode, route) {
        (SocksMode::Refuse, _) => return reply(&mut stream, REFUSED_BY_RULES).await,
        (_, None) => return reply(&mut stream, HOST_UNREACHABLE).await,
        (_, Some(target)) => target,
    };
    let Ok(mut member) = TcpStream::connect(target).await else {
        return reply(&mut stream, HOST_UNREACHABLE).await;
    };
    member.set_nodelay(true)?;
    reply(&mut stream, SUCCEEDED).await?;
    copy_bidirectional(&mut stream, &mut member).await?;
    Ok(())
}

async fn read_methods(stream: &mut TcpStream) -> Result<Vec<u8>> {
    if stream.read_u8().await? != VERSION {
        bail!("not SOCKS5");
    }
    let mut methods = vec![0; usize::from(stream.read_u8().await?)];
    stream.read_exact(&mut methods).await?;
    Ok(methods)
}

/// Takes any user and password when the client offers one and it knows users, else none.
async fn authenticate(
    stream: &mut TcpStream,
    methods: &[u8],
    mode: SocksMode,
) -> Result<Option<String>> {
    if !methods.contains(&USER_AND_PASSWORD) || mode == SocksMode::Anonymous {
        stream.write_all(&[VERSION, NO_AUTHENTICATION]).await?;
        return Ok(None);
    }
    stream.write_all(&[VERSION, USER_AND_PASSWORD]).await?;
    let _negotiation_version = stream.read_u8().await?;
    let user = read_text(stream).await?;
    let _password = read_text(stream).await?;
    stream.write_all(&[1, SUCCEEDED]).await?;
    Ok(Some(user))
}

async fn read_connect(stream: &mut TcpStream, user: Option<String>) -> Result<SocksRequest> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let [_, command, _, address_type] = head;
    if command != CONNECT {
        bail!("command {command} is not CONNECT");
    }
    let host = match address_type {
        1 => IpAddr::V4(Ipv4Addr::from_bits(stream.read_u32().await?)).to_string(),
        3 => read_text(stream).await?,
        4 => IpAddr::V6(Ipv6Addr::from_bits(stream.read_u128().await?)).to_string(),
        other => bail!("address type {other}"),
    };
    Ok(SocksRequest {
        host,
        port: stream.read_u16().await?,
        is_name: address_type == 3,
        user,
    })
}

async fn read_text(stream: &mut TcpStream) -> Result<String> {
    let mut text = vec![0; usize::from(stream.read_u8().await?)];
    stream.read_exact(&mut text).await?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

async fn reply(stream: &mut TcpStream, code: u8) -> Result<()> {
    const BOUND_NOWHERE: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];
    stream.write_all(&[VERSION, code, 0]).await?;
    stream.write_all(&BOUND_NOWHERE).await?;
    Ok(())
}
