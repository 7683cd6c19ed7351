//! Handing spans to a collector (OTLP over HTTP): one POST a connection, to an address that the operator wrote.

use std::str::FromStr;

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout_at};

use super::error::{HttpFailure, NetError, Phase};
use super::socks;

/// OTLP's port over HTTP, used when an endpoint names none.
const DEFAULT_PORT: u16 = 4318;

/// Where spans go below an endpoint.
const TRACES: &str = "/v1/traces";

/// A collector, e.g. `http://127.0.0.1:4318`. The operator wrote it, so that no address policy applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collector {
    host: String,
    port: u16,
    path: String,
}

/// A text that is no `http://host:port`. TLS is for a collector beside the program to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the endpoint is not http://host:port")]
pub struct CollectorError;

impl FromStr for Collector {
    type Err = CollectorError;
    fn from_str(text: &str) -> Result<Self, CollectorError> {
        let url = url::Url::parse(text).map_err(|_| CollectorError)?;
        let has_more = url.query().is_some() || !url.username().is_empty();
        if url.scheme() != "http" || has_more {
            return Err(CollectorError);
        }
        let host = url.host_str().ok_or(CollectorError)?;
        // The port of the scheme is left out by the parser, and was not meant.
        let names_port = text.contains(":80/") || text.ends_with(":80");
        let default = if names_port { 80 } else { DEFAULT_PORT };
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(default),
            path: format!("{}{TRACES}", url.path().trim_end_matches('/')),
        })
    }
}

impl Collector {
    /// Sends one document of spans, and returns the status.
    ///
    /// # Errors
    /// [`NetError`] of the phase that failed. Cancel-safe: dropping the future closes the socket.
    pub async fn send(&self, json: String, deadline: Instant) -> Result<u16, NetError> {
        let reached = timeout_at(deadline, socks::reach_named(&self.host, self.port)).await;
        let reached = reached.map_err(|_| NetError::TimedOut { phase: Phase::Tcp })??;
        let exchange = async {
            let (mut sender, driver) = http1::handshake(TokioIo::new(reached.stream)).await?;
            let answer = sender.send_request(self.request(json));
            tokio::pin!(answer, driver);
            tokio::select! {
                biased;
                answer = &mut answer => answer,
                _ = &mut driver => answer.await,
            }
        };
        let answer = timeout_at(deadline, exchange).await;
        let answer = answer.map_err(|_| NetError::TimedOut { phase: Phase::Head })?;
        let answer = answer.map_err(|error| NetError::Http {
            host: self.host.clone(),
            failure: HttpFailure::Broken(error),
        })?;
        Ok(answer.status().as_u16())
    }

    fn request(&self, json: String) -> Request<Full<Bytes>> {
        let authority = if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        };
        Request::post(&self.path)
            .header(HOST, authority)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(json))
            .expect("a parsed url makes a request")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_plain_http_with_the_port_of_otlp() {
        let read = |text: &str| {
            let collector = Collector::from_str(text).ok()?;
            Some((collector.host, collector.port, collector.path))
        };
        let at = |host: &str, port, path: &str| Some((host.to_owned(), port, path.to_owned()));
        assert_eq!(
            read("http://a.example"),
            at("a.example", 4318, "/v1/traces")
        );
        assert_eq!(read("http://[::1]:80/x/"), at("::1", 80, "/x/v1/traces"));
        assert_eq!(read("https://a.example"), None);
        assert_eq!(read("http://me:secret@a.example"), None);
        assert_eq!(read("127.0.0.1:4318"), None);
    }
}
