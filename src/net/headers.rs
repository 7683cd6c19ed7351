//! HTTP response headers, looked up without regard to case.

use hyper::HeaderMap;
use hyper::header::HeaderValue;

/// The headers of a response. Both the WebSocket and the HTTP library bound their number and size.
#[derive(Debug, Clone, Default)]
pub struct Headers(HeaderMap);

impl Headers {
    pub(super) fn new(map: HeaderMap) -> Self {
        Self(map)
    }

    /// The first value of a header, when it is visible ASCII. The name's case does not matter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }

    /// All headers with readable values, names in lower case.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.0.iter();
        headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
    }
}

/// The `User-Agent` header; what a header cannot hold is left out.
pub(super) fn user_agent(text: &str) -> HeaderValue {
    let visible = |char: &char| char.is_ascii_graphic() || *char == ' ';
    let text: String = text.chars().filter(visible).collect();
    HeaderValue::from_str(&text).expect("visible ASCII makes a header value")
}
