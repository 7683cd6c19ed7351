//! HTTP GET over the same dialer as everything else: one request a connection, a size, a time and
//! a redirect limit.
//!
//! It runs on hyper's connection type and not on a pooling client, because the address policy, the
//! `hosts` ports and the proxies are decided when *we* dial, and because the hosts are visited once.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use http_body_util::Empty;
use hyper::Request;
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{
    ACCEPT, ETAG, HOST, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
    LOCATION, USER_AGENT,
};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout_at};

use super::dialer::{Dialer, Security, Target};
use super::error::{HttpFailure, NetError, Phase};
use super::headers::Headers;
use super::http_url::HttpUrl;
use super::settings::NetSettings;

/// What an HTTP exchange may cost.
#[derive(Debug, Clone, Copy)]
pub struct HttpOptions<'a> {
    /// `Accept` header, e.g. `application/nostr+json`.
    pub accept: &'a str,
    /// The body is cut after this many bytes.
    pub max_bytes: usize,
    /// For everything: redirects, connection, head and body.
    pub deadline: Instant,
    /// How many redirects are followed. With 0 a redirect is the response.
    pub max_redirects: u8,
    /// Whether an invalid certificate is good enough.
    pub allow_insecure: bool,
}

/// What a server said of a version of a document, to be asked whether it still is the current one (RFC 9110
/// §13).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// Its `ETag`.
    pub etag: Option<String>,
    /// Its `Last-Modified`.
    pub last_modified: Option<String>,
}

/// Longest validator that is kept.
const MAX_VALIDATOR_BYTES: usize = 512;

impl Validators {
    /// The validators that came with a document.
    pub fn of(response: &HttpResponse) -> Self {
        let kept = |name: &str| {
            let value = response.headers.get(name)?;
            (value.len() <= MAX_VALIDATOR_BYTES).then(|| value.to_owned())
        };
        Self {
            etag: kept(ETAG.as_str()),
            last_modified: kept(LAST_MODIFIED.as_str()),
        }
    }

    /// The headers that ask; a value that is no header is left out.
    fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let etag = self.etag.as_deref().map(|value| (IF_NONE_MATCH, value));
        let date = self.last_modified.as_deref();
        let both = [etag, date.map(|value| (IF_MODIFIED_SINCE, value))];
        let given = both.into_iter().flatten();
        given.filter_map(|(name, value)| Some((name, HeaderValue::from_str(value).ok()?)))
    }
}

/// What came back, whatever its status.
#[derive(Debug, Clone)]
pub struct HttpResponse {
    /// HTTP status code.
    pub status: u16,
    /// Response headers.
    pub headers: Headers,
    /// At most `max_bytes` of the body.
    pub body: Vec<u8>,
    /// Whether there was more body than that.
    pub is_truncated: bool,
    /// From the first step of the last hop to the end of the body.
    pub elapsed: Duration,
    /// Where it came from in the end.
    pub url: HttpUrl,
}

pub(super) async fn get(
    dialer: &Dialer,
    settings: &NetSettings,
    user_agent: &HeaderValue,
    mut url: HttpUrl,
    validators: &Validators,
    options: HttpOptions<'_>,
) -> Result<HttpResponse, NetError> {
    for _ in 0..=options.max_redirects {
        settings.check_network(url.network())?;
        let response = get_once(dialer, user_agent, &url, validators, &options).await?;
        let is_redirect = matches!(response.status, 301 | 302 | 303 | 307 | 308);
        let location = response.headers.get(LOCATION.as_str());
        let Some(location) = location.filter(|_| is_redirect && options.max_redirects > 0) else {
            return Ok(response);
        };
        let target = url.redirected(location);
        url = target.ok_or_else(|| failed(&url, HttpFailure::RefusedRedirect))?;
    }
    Err(failed(&url, HttpFailure::TooManyRedirects))
}

async fn get_once(
    dialer: &Dialer,
    user_agent: &HeaderValue,
    url: &HttpUrl,
    validators: &Validators,
    options: &HttpOptions<'_>,
) -> Result<HttpResponse, NetError> {
    let start = Instant::now();
    let host = url.host();
    let target = Target {
        host: &host,
        port: url.port(),
        network: url.network(),
        security: Security::of(url.is_tls(), options.allow_insecure),
    };
    let connection = dialer.connect(target, options.deadline).await?;
    let broken = |error| failed(url, HttpFailure::Broken(error));
    let (mut sender, driver) = http1::handshake(TokioIo::new(connection.stream))
        .await
        .map_err(broken)?;
    let exchange = async {
        let response = sender.send_request(request(url, user_agent, validators, options.accept));
        let response = timeout_at(options.deadline, response).await;
        let response = response.map_err(|_| NetError::TimedOut { phase: Phase::Head })?;
        let (head, body) = response.map_err(broken)?.into_parts();
        let body = timeout_at(options.deadline, read_body(body, options.max_bytes)).await;
        let body = body.map_err(|_| NetError::TimedOut { phase: Phase::Body })?;
        Ok((head, body.map_err(broken)?))
    };
    tokio::pin!(exchange, driver);
    // Hyper wants its connection polled beside the exchange; what a finished connection has left
    // to say is in the exchange already.
    let (head, (body, is_truncated)) = tokio::select! {
        biased;
        done = &mut exchange => done,
        _ = &mut driver => exchange.await,
    }?;
    Ok(HttpResponse {
        status: head.status.as_u16(),
        headers: Headers::new(head.headers),
        body,
        is_truncated,
        elapsed: start.elapsed(),
        url: url.clone(),
    })
}

fn failed(url: &HttpUrl, failure: HttpFailure) -> NetError {
    NetError::Http {
        host: url.host(),
        failure,
    }
}

fn request(
    url: &HttpUrl,
    user_agent: &HeaderValue,
    validators: &Validators,
    accept: &str,
) -> Request<Empty<Bytes>> {
    let plain = Request::get(url.path())
        .header(HOST, url.authority())
        .header(USER_AGENT, user_agent)
        .header(ACCEPT, accept);
    let headers = validators.headers();
    headers
        .fold(plain, |request, (name, value)| request.header(name, value))
        .body(Empty::new())
        .expect("a parsed url and our own settings make a request")
}

async fn read_body(mut body: Incoming, max_bytes: usize) -> Result<(Vec<u8>, bool), hyper::Error> {
    let mut read = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        let room = max_bytes - read.len();
        if data.len() > room {
            read.extend_from_slice(&data[..room]);
            return Ok((read, true));
        }
        read.extend_from_slice(&data);
    }
    Ok((read, false))
}
