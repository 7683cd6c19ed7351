//! A wire that counts what passes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The wire to one relay. What a connection carried is counted when it ends.
pub(crate) struct Meter {
    /// Where it begins.
    pub(crate) address: SocketAddr,
    counts: Arc<Counts>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Counts {
    to_relay: AtomicU64,
    from_relay: AtomicU64,
}

impl Meter {
    /// A wire to the relay at this address.
    pub(crate) async fn before(relay: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("loopback has ports");
        let address = listener.local_addr().expect("it is bound");
        let counts = Arc::new(Counts::default());
        let mut tasks = JoinSet::new();
        let counted = Arc::clone(&counts);
        tasks.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                carry(near, relay, &counted).await;
            }
        });
        Self {
            address,
            counts,
            _tasks: tasks,
        }
    }

    /// Bytes to the relay and from it so far.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Acquire);
        (read(&self.counts.to_relay), read(&self.counts.from_relay))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the wire is none of the program's connections"
)]
async fn carry(mut near: TcpStream, relay: SocketAddr, counts: &Counts) {
    let Ok(mut far) = TcpStream::connect(relay).await else {
        return;
    };
    for stream in [&near, &far] {
        // Without it small messages wait for each other.
        stream
            .set_nodelay(true)
            .expect("a TCP socket has the option");
    }
    if let Ok((to_relay, from_relay)) = copy_bidirectional(&mut near, &mut far).await {
        counts.to_relay.fetch_add(to_relay, Ordering::Release);
        counts.from_relay.fetch_add(from_relay, Ordering::Release);
    }
}
