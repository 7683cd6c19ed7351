//! The HTTP headers of a relay's WebSocket upgrade.

use serde::{Deserialize, Serialize};

use super::tags::{TagWriter, text};
use crate::event::Tag;

/// What the server says about itself in headers, whatever their case.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Http {
    /// `Server`.
    #[serde(rename = "http_server", skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// `X-Powered-By`.
    #[serde(rename = "http_powered_by", skip_serializing_if = "Option::is_none")]
    pub powered_by: Option<String>,
}

impl Http {
    pub(super) fn push_tags(&self, tags: &mut TagWriter) {
        tags.push_some("http-server", self.server.as_deref());
        tags.push_some("http-powered-by", self.powered_by.as_deref());
    }

    pub(super) fn from_tags(tags: &[Tag<'_>]) -> Option<Self> {
        let http = Self {
            server: text(tags, "http-server"),
            powered_by: text(tags, "http-powered-by"),
        };
        (http != Self::default()).then_some(http)
    }
}
