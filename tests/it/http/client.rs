//! An HTTP client that writes what it is told and shows every byte that comes back.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::program::PATIENCE;

/// A response, read to the end of its connection.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("{text:?}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        Self {
            status: status.parse().unwrap(),
            headers: headers.collect(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A connection that gives up on a silent server.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    #[expect(clippy::disallowed_methods, reason = "a client is what this is")]
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// What the server sends until it closes the connection, however rudely.
pub(crate) fn rest(stream: &mut impl Read) -> Vec<u8> {
    let (mut all, mut buffer) = (Vec::new(), [0; 8192]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return all,
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(error) => {
                let is_reset = error.kind() == std::io::ErrorKind::ConnectionReset;
                assert!(is_reset, "{error}, after {} bytes", all.len());
                return all;
            }
        }
    }
}

/// Sends a request line with headers, and reads the response.
pub(crate) fn request(address: SocketAddr, line: &str, headers: &[&str]) -> Response {
    let mut stream = connect(address);
    ask(&mut stream, line, headers);
    Response::parse(&rest(&mut stream))
}

/// Writes a request after which the server closes.
pub(crate) fn ask(stream: &mut impl Write, line: &str, headers: &[&str]) {
    let mut text = format!("{line} HTTP/1.1\r\nHost: relay.example.com\r\nConnection: close\r\n");
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    stream.write_all(text.as_bytes()).unwrap();
}

/// Sends a body, and reads the response. A server that refuses need not read it to its end.
pub(crate) fn post(address: SocketAddr, path: &str, headers: &[&str], body: &str) -> Response {
    let mut stream = connect(address);
    let length = format!("Content-Length: {}", body.len());
    let headers = [headers, &[length.as_str()]].concat();
    ask(&mut stream, &format!("POST {path}"), &headers);
    let _ = stream.write_all(body.as_bytes());
    Response::parse(&rest(&mut stream))
}

/// GET without further headers.
pub(crate) fn get(address: SocketAddr, path: &str) -> Response {
    request(address, &format!("GET {path}"), &[])
}

/// Asks for a WebSocket and gives the first line of the answer.
pub(crate) fn upgrade(address: SocketAddr, path: &str, headers: &[&str]) -> String {
    let mut text = format!("GET {path} HTTP/1.1\r\nHost: relay.example.com\r\n");
    text.push_str("Connection: Upgrade\r\nUpgrade: websocket\r\n");
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    let mut stream = connect(address);
    stream.write_all(format!("{text}\r\n").as_bytes()).unwrap();
    let mut line = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte).unwrap() == 1 && byte != *b"\r" {
        line.extend(byte);
    }
    String::from_utf8(line).unwrap()
}

/// What makes the request of [`upgrade`] complete.
pub(crate) const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const VERSION: &str = "Sec-WebSocket-Version: 13";
