//! Slow, large and greedy clients cost a bounded amount, and the others are served meanwhile.

use std::io::Write;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use fleet::{Authority, Certificate};

use super::client::{Response, connect, get, rest};
use super::served::{impatient, serve, serve_within};

#[test]
fn a_large_head_is_refused() {
    let served = serve();
    let mut stream = connect(served.public);
    let _ = write!(
        stream,
        "GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
        "x".repeat(20_000)
    );
    assert_eq!(Response::parse(&rest(&mut stream)).status, 431);
    let mut stream = connect(served.public);
    let _ = write!(
        stream,
        "GET /{} HTTP/1.1\r\nHost: x\r\n\r\n",
        "x".repeat(20_000)
    );
    let refused = Response::parse(&rest(&mut stream)).status;
    assert!((400..500).contains(&refused), "{refused}");
    assert_eq!(get(served.public, "/").status, 200);
}

#[test]
fn a_body_is_not_waited_for() {
    let served = serve();
    let mut stream = connect(served.public);
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nab")
        .unwrap();
    let mut answer = [0; 12];
    std::io::Read::read_exact(&mut stream, &mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 405");
}

#[test]
fn what_is_no_http_is_closed() {
    let served = serve();
    for nonsense in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"hello\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
    ] {
        let mut stream = connect(served.public);
        stream.write_all(nonsense).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let said = String::from_utf8_lossy(&rest(&mut stream)).into_owned();
        assert!(
            said.is_empty() || said.starts_with("HTTP/1.1 400"),
            "{said}"
        );
    }
}

#[test]
fn half_a_head_and_silence_are_cut_off() {
    let served = serve_within(impatient(64), None);
    for beginning in [
        &b""[..],
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        let mut stream = connect(served.public);
        stream.write_all(beginning).unwrap();
        let since = Instant::now();
        let said = rest(&mut stream);
        let is_whole = beginning.ends_with(b"\r\n\r\n");
        assert_eq!(said.starts_with(b"HTTP/1.1 200"), is_whole);
        assert!(since.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn a_handshake_that_does_not_go_on_is_cut_off() {
    let tls = Authority::new().unwrap().server("x", Certificate::Valid);
    let served = serve_within(impatient(64), Some(tls.unwrap()));
    for beginning in [&b""[..], b"\x16\x03\x01\x02\x00"] {
        let mut stream = connect(served.public);
        stream.write_all(beginning).unwrap();
        assert_eq!(rest(&mut stream), b"");
    }
}

#[test]
fn who_asks_and_never_reads_is_cut_off() {
    let served = serve_within(impatient(64), None);
    let mut stream = connect(served.public);
    stream
        .set_write_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    // The server stops reading when what it wrote is not read, and then nothing moves any more.
    let requests = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1_000);
    let since = Instant::now();
    while stream.write_all(&requests).is_ok() {
        assert!(
            since.elapsed() < Duration::from_secs(30),
            "it takes requests for ever"
        );
    }
    assert!(
        since.elapsed() < Duration::from_secs(10),
        "the connection ended, not our patience"
    );
}

#[test]
fn more_connections_than_allowed_wait_for_their_turn() {
    let served = serve_within(impatient(2), None);
    let silent = [connect(served.public), connect(served.public)];
    // Answered once a silent one is cut off.
    assert_eq!(get(served.public, "/health/live").status, 200);
    drop(silent);
}
