//! The NIP-11 document, fetched once, without redirects, within a size and a time.

use nips::RelayUrl;
use nips::nip11::{InformationError, MEDIA_TYPE, RelayInformation};
use tokio::time::Instant;

use super::retry::may_pass;
use crate::net::{HttpOptions, HttpResponse, HttpUrl, Net, NetError};

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum Nip11Failure {
    /// The relay's URL has no HTTP form.
    #[error("relay has no http address")]
    Address,
    /// No HTTP answer came about.
    #[error("no http answer")]
    Net(#[from] NetError),
    /// The answer leads elsewhere. Nothing says that what is there speaks for this relay, and it may
    /// be an address that is none of our business.
    #[error("answer is a redirect")]
    Redirect,
    /// The answer is no success.
    #[error("answer has status {0}")]
    Status(u16),
    /// The answer does not say that it is JSON.
    #[error("answer is not JSON by its content type")]
    ContentType,
    /// The body is larger than allowed.
    #[error("document is too large")]
    TooLarge,
    /// The body is no document.
    #[error(transparent)]
    Document(#[from] InformationError),
}

impl Nip11Failure {
    /// Whether the next attempt may end otherwise.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Net(failure) => may_pass(failure),
            Self::Status(status) => matches!(status, 500..=599),
            _ => false,
        }
    }

    /// The stable label for metrics and logs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Net(error) => error.reason(),
            Self::Redirect => "redirect",
            Self::Status(_) => "status",
            Self::ContentType => "content-type",
            Self::TooLarge => "too-large",
            Self::Document(error) => error.reason(),
        }
    }
}

/// Fetches the document of a relay; `max_bytes` bounds its body.
///
/// # Errors
/// [`Nip11Failure`]: there is none, or none that can be read.
pub async fn fetch(
    net: &Net,
    relay: &RelayUrl,
    max_bytes: usize,
    deadline: Instant,
) -> Result<RelayInformation, Nip11Failure> {
    let url = HttpUrl::of_relay(relay).map_err(|_| Nip11Failure::Address)?;
    let options = HttpOptions {
        accept: MEDIA_TYPE,
        max_bytes,
        deadline,
        max_redirects: 0,
        allow_insecure: false,
    };
    let response = net.http_get(&url, options).await?;
    accept(&response)?;
    Ok(RelayInformation::parse(&response.body)?)
}

fn accept(response: &HttpResponse) -> Result<(), Nip11Failure> {
    match response.status {
        200 => {}
        300..=399 => return Err(Nip11Failure::Redirect),
        status => return Err(Nip11Failure::Status(status)),
    }
    let content_type = response.headers.get("content-type").unwrap_or_default();
    if !content_type.to_ascii_lowercase().contains("json") {
        return Err(Nip11Failure::ContentType);
    }
    if response.is_truncated {
        return Err(Nip11Failure::TooLarge);
    }
    Ok(())
}
