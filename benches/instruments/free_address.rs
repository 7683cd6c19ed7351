//! Where a program can listen that is to be asked.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// An address that is free now. The program says only to people what port it got.
pub(crate) fn free_address() -> SocketAddr {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = TcpListener::bind(any).expect("loopback has ports");
    listener.local_addr().expect("it is bound")
}
