//! PROXY protocol, versions 1 and 2: a proxy's first words on a connection, naming who it stands for.
//!
//! Version 1 is a line, `PROXY TCP4 192.0.2.1 198.51.100.1 4711 80\r\n`; version 2 is binary.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt};

/// How every header of version 2 begins.
const V2_SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// The longest line of version 1, bytes; so says the specification.
const MAX_LINE: usize = 107;

/// Most bytes of addresses and extensions in version 2. The addresses take 36, and what proxies add to
/// them are a few names.
const MAX_V2_BYTES: usize = 4_096;

/// Reads the header and not a byte more. `None` when the proxy speaks for itself, e.g. to see whether we are
/// there.
///
/// # Errors
/// What the connection ends with, and [`io::ErrorKind::InvalidData`] for what is no header.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SocketAddr>> {
    let mut start = [0; V2_SIGNATURE.len()];
    stream.read_exact(&mut start).await?;
    if start == *V2_SIGNATURE {
        return read_v2(stream).await;
    }
    if start.starts_with(b"PROXY ") {
        return read_v1(stream, &start).await;
    }
    Err(invalid("the connection does not begin with a PROXY header"))
}

async fn read_v1(
    stream: &mut (impl AsyncRead + Unpin),
    start: &[u8],
) -> io::Result<Option<SocketAddr>> {
    let mut line = start.to_vec();
    while !line.ends_with(b"\r\n") {
        if line.len() >= MAX_LINE {
            return Err(invalid("the line of the PROXY header is too long"));
        }
        line.push(stream.read_u8().await?);
    }
    let line = String::from_utf8(line).map_err(|_| invalid("the PROXY header is no text"))?;
    let words: Vec<&str> = line.trim_end().split(' ').collect();
    match words[..] {
        ["PROXY", "UNKNOWN", ..] => Ok(None),
        ["PROXY", family @ ("TCP4" | "TCP6"), source, _, port, _] => {
            let address: Option<IpAddr> = source.parse().ok();
            let address = address.filter(|address| address.is_ipv4() == (family == "TCP4"));
            match (address, port.parse()) {
                (Some(address), Ok(port)) => Ok(Some(SocketAddr::new(address, port))),
                _ => Err(invalid("the PROXY header names no address")),
            }
        }
        _ => Err(invalid("the PROXY header is not understood")),
    }
}

async fn read_v2(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SocketAddr>> {
    let version_and_command = stream.read_u8().await?;
    let family = stream.read_u8().await?;
    let length = usize::from(stream.read_u16().await?);
    if length > MAX_V2_BYTES {
        return Err(invalid("the PROXY header is too long"));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    match (version_and_command, family) {
        (0x20, _) => Ok(None),
        (0x21, 0x11) => source::<4>(&body, |ip| Ipv4Addr::from(ip).into()).map(Some),
        (0x21, 0x21) => source::<16>(&body, |ip| Ipv6Addr::from(ip).into()).map(Some),
        // Neither TCP over IPv4 nor over IPv6: the proxy has no address to tell.
        (0x21, _) => Ok(None),
        _ => Err(invalid("the PROXY header is of an unknown version")),
    }
}

/// Source and destination address, source and destination port.
fn source<const LEN: usize>(
    body: &[u8],
    address: impl Fn([u8; LEN]) -> IpAddr,
) -> io::Result<SocketAddr> {
    let short = || invalid("the PROXY header is too short for its addresses");
    let ip = *body.first_chunk::<LEN>().ok_or_else(short)?;
    let ports = body.get(2 * LEN..).ok_or_else(short)?;
    let port = *ports.first_chunk::<4>().ok_or_else(short)?;
    let port = u16::from_be_bytes([port[0], port[1]]);
    Ok(SocketAddr::new(address(ip), port))
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header's meaning and what is left behind it.
    async fn heard(mut bytes: &[u8]) -> (io::Result<Option<SocketAddr>>, &[u8]) {
        let heard = read(&mut bytes).await;
        (heard, bytes)
    }

    fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [
            &V2_SIGNATURE[..],
            &[command, family],
            &length,
            body,
            b"GET /",
        ]
        .concat()
    }

    #[tokio::test]
    async fn both_versions_name_the_client_and_leave_the_rest() {
        let v4 = [192, 0, 2, 1, 198, 51, 100, 1, 0x12, 0x67, 0, 80];
        let mut v6 = [0; 36];
        v6[..16].copy_from_slice(&"2001:db8::1".parse::<Ipv6Addr>().unwrap().octets());
        v6[32..34].copy_from_slice(&[0x12, 0x67]);
        let extended = [&v4[..], &[4, 0, 1, 0]].concat();
        for (bytes, expected) in [
            (
                b"PROXY TCP4 192.0.2.1 198.51.100.1 4711 80\r\nGET /".to_vec(),
                Some("192.0.2.1:4711"),
            ),
            (
                b"PROXY TCP6 2001:db8::1 ::1 4711 80\r\nGET /".to_vec(),
                Some("[2001:db8::1]:4711"),
            ),
            (b"PROXY UNKNOWN\r\nGET /".to_vec(), None),
            (b"PROXY UNKNOWN ff::1 ff::2 1 2\r\nGET /".to_vec(), None),
            (v2(0x21, 0x11, &v4), Some("192.0.2.1:4711")),
            (v2(0x21, 0x11, &extended), Some("192.0.2.1:4711")),
            (v2(0x21, 0x21, &v6), Some("[2001:db8::1]:4711")),
            (v2(0x20, 0x00, &[]), None),
            (v2(0x21, 0x31, &[0; 216]), None),
        ] {
            let (said, rest) = heard(&bytes).await;
            let expected = expected.map(|text| text.parse().unwrap());
            assert_eq!(said.unwrap(), expected, "{bytes:?}");
            assert_eq!(rest, b"GET /");
        }
    }

    #[tokio::test]
    async fn everything_else_is_refused_before_much_of_it_is_read() {
        let long = [b"PROXY TCP4 ".to_vec(), vec![b'1'; 1_000]].concat();
        for bytes in [
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            b"PROXY TCP4 2001:db8::1 ::1 1 2\r\n".to_vec(),
            b"PROXY TCP4 localhost localhost 1 2\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1 192.0.2.2 99999 1\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1\r\n    ".to_vec(),
            b"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n".to_vec(),
            long,
            v2(0x11, 0x11, &[0; 12]),
            v2(0x21, 0x11, &[0; 11]),
            v2(0x21, 0x21, &[0; 12]),
            v2(0x21, 0x11, &[0; 5_000]),
        ] {
            let (said, _) = heard(&bytes).await;
            assert_eq!(
                said.unwrap_err().kind(),
                io::ErrorKind::InvalidData,
                "{bytes:?}"
            );
        }
    }
}
