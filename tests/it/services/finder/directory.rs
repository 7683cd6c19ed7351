//! A relay directory on loopback: a web server that answers as it is told and writes down who asked.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Its name, which leads to it by `networks.hosts` only.
pub(super) const NAME: &str = "directory.nostr-lab.net";

/// What a path answers.
#[derive(Debug, Clone)]
pub(super) enum Page {
    /// Status and body, with the content type of JSON.
    Body(u16, String),
    /// A body with an `ETag`, which whoever has that version does not get again.
    Tagged(&'static str, String),
    /// The same with a `Last-Modified`.
    Dated(&'static str, String),
    /// A redirect.
    Redirect(String),
    /// A body that never ends, a byte at a time.
    Dripping,
    /// Nothing at all.
    Silence,
}

impl Page {
    /// A directory as it should be.
    pub(super) fn json(body: impl Into<String>) -> Self {
        Self::Body(200, body.into())
    }
}

/// The running server; it stops when it is dropped.
pub(super) struct Directory {
    pub(super) address: SocketAddr,
    site: Arc<Site>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Site {
    pages: Mutex<HashMap<String, Page>>,
    requests: Mutex<Vec<String>>,
}

impl Directory {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let site = Arc::new(Site::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, Arc::clone(&site)));
        Self {
            address,
            site,
            _tasks: tasks,
        }
    }

    /// Puts a page in place; other paths have none.
    pub(super) fn put(&self, path: &str, page: Page) {
        let mut pages = self.site.pages.lock().unwrap();
        pages.insert(path.to_owned(), page);
    }

    /// The paths that were asked for, in order.
    pub(super) fn requests(&self) -> Vec<String> {
        self.site.requests.lock().unwrap().clone()
    }
}

async fn serve(listener: TcpListener, site: Arc<Site>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let site = Arc::clone(&site);
        connections.spawn(async move {
            // A client that has seen enough is nobody's error.
            let _ = answer(stream, &site).await;
        });
    }
}

async fn answer(stream: TcpStream, site: &Site) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while stream.read_line(&mut head).await? > 2 {}
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let page = site.pages.lock().unwrap().get(&path).cloned();
    site.requests.lock().unwrap().push(path);
    let page = page.unwrap_or(Page::Body(404, String::new()));
    let (validator, page) = match page {
        Page::Tagged(tag, body) => {
            let is_known = asks(&head, "if-none-match", tag);
            (format!("ETag: {tag}\r\n"), of_version(is_known, body))
        }
        Page::Dated(date, body) => {
            let is_known = asks(&head, "if-modified-since", date);
            (
                format!("Last-Modified: {date}\r\n"),
                of_version(is_known, body),
            )
        }
        page => (String::new(), page),
    };
    match page {
        Page::Tagged(..) | Page::Dated(..) => unreachable!("became a body"),
        Page::Body(status, body) => {
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\n{validator}\
                 Content-Length: {length}\r\n\r\n"
            );
            stream.write_all((head + &body).as_bytes()).await
        }
        Page::Redirect(location) => {
            let head =
                format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(head.as_bytes()).await
        }
        Page::Dripping => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n[").await?;
            loop {
                stream.write_all(b" ").await?;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        Page::Silence => stream.read_to_string(&mut head).await.map(drop),
    }
}

/// Whether a request asks for a document unless it is a version.
fn asks(head: &str, name: &str, version: &str) -> bool {
    head.lines().any(|line| {
        let header = line.split_once(": ");
        header.is_some_and(|(key, value)| key.eq_ignore_ascii_case(name) && value == version)
    })
}

fn of_version(is_known: bool, body: String) -> Page {
    if is_known {
        Page::Body(304, String::new())
    } else {
        Page::Body(200, body)
    }
}
