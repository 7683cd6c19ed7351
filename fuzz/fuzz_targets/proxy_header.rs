//! PROXY protocol: a header is read to its end and not beyond, and names the address that a slow reader finds.

#![no_main]

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::str::from_utf8;
use std::task::{Context, Poll, Waker};

use libfuzzer_sys::fuzz_target;

#[path = "../../src/http/proxy_protocol.rs"]
mod proxy_protocol;

fuzz_target!(|data: &[u8]| {
    let mut rest = data;
    let read = {
        let read = pin!(proxy_protocol::read(&mut rest));
        // Bytes in memory never let one wait.
        let Poll::Ready(read) = read.poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("there is nothing to wait for");
        };
        read
    };
    let header = &data[..data.len() - rest.len()];
    let Ok(source) = read else { return };
    match from_utf8(header)
        .ok()
        .and_then(|line| line.strip_suffix("\r\n"))
        .filter(|line| line.starts_with("PROXY "))
    {
        Some(line) => assert_eq!(source, slow_v1(line), "{line}"),
        None => assert_eq!(source, slow_v2(header), "{header:?}"),
    }
});

fn slow_v1(line: &str) -> Option<SocketAddr> {
    assert!(line.len() <= 105, "{}", line.len());
    assert!(!line.contains("\r\n"));
    let mut words = line.trim_end().split(' ').skip(2);
    let address: IpAddr = words.next()?.parse().ok()?;
    let port = words.nth(1)?.parse().ok()?;
    (!line.starts_with("PROXY UNKNOWN")).then_some(SocketAddr::new(address, port))
}

fn slow_v2(header: &[u8]) -> Option<SocketAddr> {
    let (head, body) = header.split_at(16);
    assert_eq!(&head[..12], b"\r\n\r\n\0\r\nQUIT\n");
    assert_eq!(
        body.len(),
        usize::from(head[14]) << 8 | usize::from(head[15])
    );
    let (size, ip): (usize, IpAddr) = match (head[12], head[13]) {
        (0x21, 0x11) => (4, <[u8; 4]>::try_from(&body[..4]).ok()?.into()),
        (0x21, 0x21) => (16, <[u8; 16]>::try_from(&body[..16]).ok()?.into()),
        _ => return None,
    };
    Some(SocketAddr::new(
        ip,
        u16::from(body[2 * size]) << 8 | u16::from(body[2 * size + 1]),
    ))
}
