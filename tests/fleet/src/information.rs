//! The NIP-11 documents of members, honest and otherwise.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use crate::behaviour::Behaviour;

/// What `GET /` with `Accept: application/nostr+json` finds.
#[derive(Debug, Clone, PartialEq)]
pub enum Information {
    /// A correct document that says what the behaviour enforces.
    Ordinary,
    /// Status 503 the first times that somebody asks, then a correct document.
    Unavailable {
        /// How many times.
        times: usize,
    },
    /// Status 404.
    Missing,
    /// Status 200 and a web page.
    Html,
    /// A document with an escaped U+0000 in strings and in a list (B19).
    NulCharacter,
    /// A document with an unpaired surrogate (B19).
    LoneSurrogate,
    /// A `name` of one mebibyte (B19).
    HugeName,
    /// `min_pow_difficulty` 250 (B20).
    ImpossibleWork,
    /// `supported_nips` outside every range and a `software` of 10 kB (B21).
    WildNumbers,
    /// A redirect that must not be followed (B22).
    Redirected(Redirect),
    /// Correct headers, then the body one byte each `pace` (B16).
    SlowBody {
        /// Time between two bytes.
        pace: Duration,
    },
    /// A correct document but for a comma before the last brace.
    TrailingComma,
    /// `"supported_nips": 1`, as a well-known relay once served it.
    NumberForList,
    /// Status 200 and this body as `application/nostr+json`.
    Custom(String),
    /// A file, for whoever asks for anything.
    File(Vec<u8>),
}

/// Where a redirect leads (B22).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirect {
    /// `http://127.0.0.1`, at the port of the laboratory's canary, which records who comes.
    Loopback,
    /// The metadata service of cloud machines.
    MetadataService,
    /// The same URL again, for ever.
    Itself,
}

/// An HTTP response before it is written.
pub(crate) struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub location: Option<String>,
    pub body: Vec<u8>,
    /// Time between two bytes of the body; zero for all at once.
    pub pace: Duration,
}

impl Answer {
    fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: 200,
            content_type: "application/nostr+json",
            location: None,
            body: body.into(),
            pace: Duration::ZERO,
        }
    }

    /// A web page with this status.
    pub(crate) fn page(status: u16) -> Self {
        Self {
            status,
            content_type: "text/html; charset=utf-8",
            ..Self::ok(format!(
                "<!doctype html><title>{status}</title><p>Nothing to see here."
            ))
        }
    }

    fn redirect(location: String) -> Self {
        Self {
            status: 302,
            location: Some(location),
            ..Self::page(302)
        }
    }
}

impl Information {
    /// The answer of a member called `name`. `canary` is where forbidden redirects lead.
    pub(crate) fn answer(&self, name: &str, behaviour: &Behaviour, canary: SocketAddr) -> Answer {
        let document = document(name, behaviour);
        match self {
            Self::Ordinary => Answer::ok(document.to_string()),
            // Who counts is the member.
            Self::Unavailable { .. } => Answer::ok(document.to_string()),
            Self::Missing => Answer::page(404),
            Self::Html => Answer::page(200),
            Self::NulCharacter => Answer::ok(with(document, "description", json!("a\0b"))),
            Self::LoneSurrogate => {
                let text = with(document, "description", json!("SURROGATE"));
                Answer::ok(text.replace("SURROGATE", "\\ud800 alone"))
            }
            Self::HugeName => Answer::ok(with(document, "name", json!("n".repeat(1 << 20)))),
            Self::ImpossibleWork => Answer::ok(with(
                document,
                "limitation",
                json!({ "min_pow_difficulty": 250 }),
            )),
            Self::WildNumbers => Answer::ok(wild_numbers(document)),
            Self::Redirected(target) => Answer::redirect(target.location(canary)),
            Self::SlowBody { pace } => Answer {
                pace: *pace,
                ..Answer::ok(document.to_string())
            },
            Self::TrailingComma => {
                let text = document.to_string();
                Answer::ok(format!("{},}}", text.trim_end_matches('}')))
            }
            Self::NumberForList => Answer::ok(with(document, "supported_nips", json!(1))),
            Self::Custom(body) => Answer::ok(body.clone()),
            Self::File(bytes) => Answer {
                content_type: "application/octet-stream",
                ..Answer::ok(bytes.clone())
            },
        }
    }

    /// A word for tables, empty for [`Information::Ordinary`].
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ordinary => "",
            Self::Unavailable { .. } => "nip11-unavailable",
            Self::Missing => "nip11-missing",
            Self::Html => "nip11-html",
            Self::NulCharacter => "nip11-nul",
            Self::LoneSurrogate => "nip11-surrogate",
            Self::HugeName => "nip11-huge-name",
            Self::ImpossibleWork => "nip11-impossible-work",
            Self::WildNumbers => "nip11-wild-numbers",
            Self::Redirected(Redirect::Loopback) => "nip11-redirect-loopback",
            Self::Redirected(Redirect::MetadataService) => "nip11-redirect-metadata",
            Self::Redirected(Redirect::Itself) => "nip11-redirect-itself",
            Self::SlowBody { .. } => "nip11-slow-body",
            Self::TrailingComma => "nip11-trailing-comma",
            Self::NumberForList => "nip11-number-for-list",
            Self::Custom(_) => "nip11-custom",
            Self::File(_) => "nip11-file",
        }
    }
}

impl Redirect {
    fn location(self, canary: SocketAddr) -> String {
        match self {
            Self::Loopback => format!("http://{canary}/"),
            Self::MetadataService => "http://169.254.169.254/latest/meta-data/".to_owned(),
            Self::Itself => "/".to_owned(),
        }
    }
}

fn document(name: &str, behaviour: &Behaviour) -> Value {
    let mut limitation = json!({ "max_message_length": 524_288, "max_limit": 500 });
    match behaviour {
        Behaviour::Cap { limit } => limitation["max_limit"] = json!(limit),
        Behaviour::AuthFirst | Behaviour::ClosedAuthRequired => {
            limitation["auth_required"] = json!(true);
        }
        Behaviour::Refuses { .. } => limitation["restricted_writes"] = json!(true),
        _ => {}
    }
    let supported_nips = match behaviour {
        Behaviour::Healthy => vec![1, 9, 11, 40, 45, 77],
        Behaviour::AuthFirst | Behaviour::ClosedAuthRequired => vec![1, 11, 42],
        _ => vec![1, 11],
    };
    json!({
        "name": name,
        "description": "A relay of the Nostr laboratory",
        "pubkey": "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
        "contact": "mailto:nobody@nostr-lab.net",
        "supported_nips": supported_nips,
        "software": "https://example.com/fleet",
        "version": env!("CARGO_PKG_VERSION"),
        "limitation": limitation,
        "tags": ["laboratory"],
    })
}

fn with(mut document: Value, field: &str, value: Value) -> String {
    document[field] = value;
    document.to_string()
}

fn wild_numbers(mut document: Value) -> String {
    let mut software = String::with_capacity(10_000);
    while software.len() < 10_000 {
        let _ = write!(software, "software{} ", software.len());
    }
    document["software"] = json!(software);
    document["supported_nips"] = json!([99_999_999_999_u64, -1, 1, 11, 1.5, "42", null]);
    document["limitation"] = json!({ "max_limit": -1, "max_subscriptions": 1e300 });
    document.to_string()
}
