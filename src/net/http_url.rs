//! HTTP URLs that we fetch: a relay's information document, or a source of relay URLs.

use std::fmt;

use nips::{Network, RelayUrl};
use url::{Host, Url};

use super::resolver::overlay_of;

/// An `http` or `https` URL without credentials, with the network its host lives on.
///
/// Legacy spellings of IPv4 (`0x7f.1`) are normalised, so that the address policy sees through them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpUrl {
    url: Url,
    network: Network,
}

/// Why a text is no URL that we fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HttpUrlError {
    /// Not a URL with a host.
    #[error("not a url with a host")]
    Malformed,
    /// Neither `http` nor `https`.
    #[error("scheme is not http or https")]
    Scheme,
    /// A user name or password in it.
    #[error("credentials in a url")]
    Credentials,
}

impl HttpUrl {
    /// Parses a URL of the public internet or an overlay.
    ///
    /// # Errors
    /// [`HttpUrlError`].
    pub fn parse(text: &str) -> Result<Self, HttpUrlError> {
        let url = Url::parse(text).map_err(|_| HttpUrlError::Malformed)?;
        Self::from_url(url)
    }

    /// The same host, port and path by HTTP(S): where NIP-11 puts the information document.
    ///
    /// # Errors
    /// [`HttpUrlError::Malformed`] when the relay's URL is none by the URL standard.
    pub fn of_relay(relay: &RelayUrl) -> Result<Self, HttpUrlError> {
        let mut url = Self::parse(&relay.http_url())?;
        url.network = relay.network();
        Ok(url)
    }

    /// The same with a parameter more in its query.
    #[must_use]
    pub fn with_parameter(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// The target of a `Location` header. `None` when it is not to be followed: another scheme,
    /// from TLS to none, from one network to another.
    pub(super) fn redirected(&self, location: &str) -> Option<Self> {
        let target = Self::from_url(self.url.join(location).ok()?).ok()?;
        // A literal address is of the local network only in a relay's own URL.
        let is_same_network = target.network == self.network;
        let keeps_tls = target.is_tls() || !self.is_tls();
        (is_same_network && keeps_tls).then_some(target)
    }

    fn from_url(mut url: Url) -> Result<Self, HttpUrlError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(HttpUrlError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(HttpUrlError::Credentials);
        }
        url.set_fragment(None);
        let host = url.host_str().ok_or(HttpUrlError::Malformed)?;
        let network = overlay_of(host).unwrap_or(Network::Clearnet);
        Ok(Self { url, network })
    }

    /// The whole URL.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// The network of the host.
    pub fn network(&self) -> Network {
        self.network
    }

    /// Host name or literal address, without IPv6 brackets.
    pub fn host(&self) -> String {
        match self.url.host() {
            Some(Host::Ipv6(ip)) => ip.to_string(),
            Some(host) => host.to_string(),
            None => String::new(),
        }
    }

    pub(super) fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    pub(super) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// Value of the `Host` header.
    pub(super) fn authority(&self) -> String {
        match (self.url.host_str(), self.url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        }
    }

    /// Path and query, as the request line wants them.
    pub(super) fn path(&self) -> &str {
        &self.url[url::Position::BeforePath..]
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_url_becomes_its_http_twin() {
        for (relay, http, path, authority) in [
            (
                "wss://relay.damus.io",
                "https://relay.damus.io/",
                "/",
                "relay.damus.io",
            ),
            (
                "wss://relay.damus.io:8080/inbox",
                "https://relay.damus.io:8080/inbox",
                "/inbox",
                "relay.damus.io:8080",
            ),
        ] {
            let url = HttpUrl::of_relay(&RelayUrl::parse(relay).unwrap()).unwrap();
            assert_eq!((url.as_str(), url.path()), (http, path));
            assert_eq!(url.authority(), authority);
        }
    }

    #[test]
    fn only_plain_http_urls() {
        assert_eq!(
            HttpUrl::parse("file:///etc/passwd"),
            Err(HttpUrlError::Scheme)
        );
        assert_eq!(
            HttpUrl::parse("https://u:p@a.example/"),
            Err(HttpUrlError::Credentials)
        );
        assert_eq!(HttpUrl::parse("a.example"), Err(HttpUrlError::Malformed));
        let onion = HttpUrl::parse("http://abc.ONION/x").unwrap();
        assert_eq!(onion.network(), Network::Tor);
        assert_eq!(
            HttpUrl::parse("http://0x7f.1/").unwrap().host(),
            "127.0.0.1"
        );
        assert_eq!(HttpUrl::parse("http://[::1]/").unwrap().host(), "::1");
    }

    #[test]
    fn redirects_stay_in_their_network_and_keep_tls() {
        let url = HttpUrl::parse("https://a.example/x?y#z").unwrap();
        assert_eq!(
            url.redirected("/w").unwrap().as_str(),
            "https://a.example/w"
        );
        assert!(url.redirected("https://b.example").is_some());
        for refused in [
            "http://a.example/",
            "ftp://a.example/",
            "https://abc.onion/",
            "data:,x",
        ] {
            assert_eq!(url.redirected(refused), None, "{refused}");
        }
    }
}
