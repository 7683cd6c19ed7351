//! Through a real Tor, up to its answer for an onion service that nobody reaches.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use bigbrotr::net::{Net, NetSettings, OpenOptions};
use nips::{Network, RelayUrl};
use tempfile::TempDir;
use tokio::time::Instant;

use super::soon;

/// A service whose name is well-formed.
const ONION: &str = "ws://duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion";

/// Tor that knows of no other server than one that is not there; it cannot leave this machine. Killed when dropped.
struct Tor {
    child: Child,
    socks: SocketAddr,
    _folder: TempDir,
}

impl Tor {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let socks = free.local_addr().unwrap();
        drop(free);
        let fingerprint = "89ABCDEF0123456789ABCDEF0123456789ABCDEF";
        let settings = format!(
            "SocksPort {socks}\nDataDirectory {}\nUseDefaultFallbackDirs 0\nSocksTimeout 1\n\
             DirAuthority nobody orport=1 v3ident={fingerprint} 127.0.0.1:1 {fingerprint}\n",
            folder.path().join("data").display()
        );
        let file = folder.path().join("torrc");
        std::fs::write(&file, settings).unwrap();
        // Debian puts it where not every user looks.
        let program = ["/usr/sbin/tor", "tor"];
        let program = program.into_iter().find(|path| Path::new(path).exists());
        let child = Command::new(program.unwrap_or("tor"))
            .args(["--defaults-torrc", "/dev/null", "-f"])
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self {
            child: child.expect("this test needs Tor: `make test-servers` installs it"),
            socks,
            _folder: folder,
        }
    }

    fn net(&self) -> Net {
        let mut settings = NetSettings::default();
        let tor = settings.networks.get_mut(Network::Tor);
        tor.enabled = true;
        tor.proxy = Some(format!("socks5://{}", self.socks).parse().unwrap());
        Net::new(settings).unwrap()
    }
}

impl Drop for Tor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn an_onion_service_that_tor_cannot_reach_is_the_proxys_answer() {
    let tor = Tor::start();
    let net = tor.net();
    let deadline = soon();
    while net.probe_proxy(Network::Tor, deadline).await.is_err() {
        assert!(Instant::now() < deadline, "Tor does not listen");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let relay = RelayUrl::parse(ONION).unwrap();
    let opened = net.open(&relay, soon(), OpenOptions::default()).await;
    assert_eq!(opened.err().unwrap().reason(), "proxy_failed");
}
