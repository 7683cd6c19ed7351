//! NIP-86: how a relay's operator manages it over HTTP.
//!
//! ```json
//! {"method":"banpubkey","params":["<64 hex>","spam"]}
//! {"result":true}
//! {"error":"unknown method: dance"}
//! ```

use std::net::IpAddr;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{EventId, Kind, PublicKey};

/// The media type of requests.
pub const MEDIA_TYPE: &str = "application/nostr+json+rpc";

/// What an operator asks for. A reason may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Which methods there are.
    SupportedMethods,
    /// Takes and shows nothing of an author any more.
    BanPubkey(PublicKey, String),
    /// Takes back a ban.
    UnbanPubkey(PublicKey),
    /// Who is banned.
    ListBannedPubkeys,
    /// Lets an author write.
    AllowPubkey(PublicKey, String),
    /// Takes that back.
    UnallowPubkey(PublicKey),
    /// Who may write.
    ListAllowedPubkeys,
    /// Takes and shows an event no more.
    BanEvent(EventId, String),
    /// Takes back a ban.
    AllowEvent(EventId),
    /// Which events are banned.
    ListBannedEvents,
    /// Takes events of a kind.
    AllowKind(Kind),
    /// Takes events of a kind no more.
    DisallowKind(Kind),
    /// Which kinds are taken.
    ListAllowedKinds,
    /// Keeps an address out.
    BlockIp(IpAddr, String),
    /// Takes that back.
    UnblockIp(IpAddr),
    /// Which addresses are kept out.
    ListBlockedIps,
    /// Changes the name in the information document.
    ChangeRelayName(String),
    /// Changes the description.
    ChangeRelayDescription(String),
    /// Changes the URL of the icon.
    ChangeRelayIcon(String),
}

/// Why a request is no [`Call`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It is not `{"method": …, "params": […]}`.
    #[error("the body is no JSON object of method and params")]
    NotJson,
    /// There is no such method here.
    #[error("unknown method: {0}")]
    UnknownMethod(String),
    /// The method wants something else.
    #[error("params: expected {0}")]
    Params(&'static str),
}

/// The methods that a [`Call`] can be.
pub const METHODS: [&str; 19] = [
    "supportedmethods",
    "banpubkey",
    "unbanpubkey",
    "listbannedpubkeys",
    "allowpubkey",
    "unallowpubkey",
    "listallowedpubkeys",
    "banevent",
    "allowevent",
    "listbannedevents",
    "allowkind",
    "disallowkind",
    "listallowedkinds",
    "blockip",
    "unblockip",
    "listblockedips",
    "changerelayname",
    "changerelaydescription",
    "changerelayicon",
];

/// The most characters of an unknown method that are repeated.
const MAX_NAME: usize = 64;

#[derive(Deserialize)]
struct Request {
    method: String,
    #[serde(default)]
    params: Vec<Value>,
}

impl Call {
    /// Reads a request.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn from_json(json: &[u8]) -> Result<Self, CallError> {
        let request: Request = serde_json::from_slice(json).map_err(|_| CallError::NotJson)?;
        let params = Params(request.params);
        Ok(match request.method.as_str() {
            "supportedmethods" => Self::SupportedMethods,
            "banpubkey" => Self::BanPubkey(params.pubkey()?, params.reason()?),
            "unbanpubkey" => Self::UnbanPubkey(params.pubkey()?),
            "listbannedpubkeys" => Self::ListBannedPubkeys,
            "allowpubkey" => Self::AllowPubkey(params.pubkey()?, params.reason()?),
            "unallowpubkey" => Self::UnallowPubkey(params.pubkey()?),
            "listallowedpubkeys" => Self::ListAllowedPubkeys,
            "banevent" => Self::BanEvent(params.event()?, params.reason()?),
            "allowevent" => Self::AllowEvent(params.event()?),
            "listbannedevents" => Self::ListBannedEvents,
            "allowkind" => Self::AllowKind(params.kind()?),
            "disallowkind" => Self::DisallowKind(params.kind()?),
            "listallowedkinds" => Self::ListAllowedKinds,
            "blockip" => Self::BlockIp(params.address()?, params.reason()?),
            "unblockip" => Self::UnblockIp(params.address()?),
            "listblockedips" => Self::ListBlockedIps,
            "changerelayname" => Self::ChangeRelayName(params.text()?),
            "changerelaydescription" => Self::ChangeRelayDescription(params.text()?),
            "changerelayicon" => Self::ChangeRelayIcon(params.text()?),
            other => {
                let name = other.chars().take(MAX_NAME).collect();
                return Err(CallError::UnknownMethod(name));
            }
        })
    }

    /// The request, as a client sends it.
    pub fn to_json(&self) -> String {
        let (method, params) = self.parts();
        json!({"method": method, "params": params}).to_string()
    }

    /// The name of the method.
    pub fn method(&self) -> &'static str {
        self.parts().0
    }

    fn parts(&self) -> (&'static str, Vec<Value>) {
        match self {
            Self::SupportedMethods => ("supportedmethods", vec![]),
            Self::BanPubkey(key, why) => ("banpubkey", vec![key.to_hex().into(), json!(why)]),
            Self::UnbanPubkey(key) => ("unbanpubkey", vec![key.to_hex().into()]),
            Self::ListBannedPubkeys => ("listbannedpubkeys", vec![]),
            Self::AllowPubkey(key, why) => ("allowpubkey", vec![key.to_hex().into(), json!(why)]),
            Self::UnallowPubkey(key) => ("unallowpubkey", vec![key.to_hex().into()]),
            Self::ListAllowedPubkeys => ("listallowedpubkeys", vec![]),
            Self::BanEvent(id, why) => ("banevent", vec![id.to_hex().into(), json!(why)]),
            Self::AllowEvent(id) => ("allowevent", vec![id.to_hex().into()]),
            Self::ListBannedEvents => ("listbannedevents", vec![]),
            Self::AllowKind(kind) => ("allowkind", vec![kind.0.into()]),
            Self::DisallowKind(kind) => ("disallowkind", vec![kind.0.into()]),
            Self::ListAllowedKinds => ("listallowedkinds", vec![]),
            Self::BlockIp(address, why) => ("blockip", vec![json!(address), json!(why)]),
            Self::UnblockIp(address) => ("unblockip", vec![json!(address)]),
            Self::ListBlockedIps => ("listblockedips", vec![]),
            Self::ChangeRelayName(text) => ("changerelayname", vec![json!(text)]),
            Self::ChangeRelayDescription(text) => ("changerelaydescription", vec![json!(text)]),
            Self::ChangeRelayIcon(text) => ("changerelayicon", vec![json!(text)]),
        }
    }
}

/// The parameters of a request, by position.
struct Params(Vec<Value>);

impl Params {
    fn pubkey(&self) -> Result<PublicKey, CallError> {
        let hex = self.0.first().and_then(Value::as_str).unwrap_or_default();
        PublicKey::from_hex(hex).map_err(|_| CallError::Params("a public key, 64 hex digits"))
    }

    fn event(&self) -> Result<EventId, CallError> {
        let hex = self.0.first().and_then(Value::as_str).unwrap_or_default();
        EventId::from_hex(hex).map_err(|_| CallError::Params("an event id, 64 hex digits"))
    }

    fn kind(&self) -> Result<Kind, CallError> {
        let number = self.0.first().and_then(Value::as_u64);
        let kind = number.and_then(|number| u16::try_from(number).ok());
        let kind = kind.ok_or(CallError::Params("a kind, a number from 0 to 65535"))?;
        Ok(Kind(kind))
    }

    fn address(&self) -> Result<IpAddr, CallError> {
        let text = self.0.first().and_then(Value::as_str).unwrap_or_default();
        let address = text.parse::<IpAddr>();
        let address = address.map_err(|_| CallError::Params("an IP address"))?;
        Ok(address.to_canonical())
    }

    fn text(&self) -> Result<String, CallError> {
        let text = self.0.first().and_then(Value::as_str);
        text.map(str::to_owned).ok_or(CallError::Params("a text"))
    }

    /// The second parameter; it may be missing.
    fn reason(&self) -> Result<String, CallError> {
        match self.0.get(1) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(reason)) => Ok(reason.clone()),
            Some(_) => Err(CallError::Params("a text as the reason")),
        }
    }
}

/// An answer with a result.
pub fn result(value: &Value) -> String {
    json!({ "result": value }).to_string()
}

/// An answer with an error.
pub fn error(message: &str) -> String {
    json!({ "error": message }).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn calls() -> impl Strategy<Value = Call> {
        let key = any::<[u8; 32]>().prop_map(PublicKey);
        let id = any::<[u8; 32]>().prop_map(EventId);
        let kind = any::<u16>().prop_map(Kind);
        let address = any::<IpAddr>().prop_map(|address| address.to_canonical());
        let (key, id, kind, address) = (key.boxed(), id.boxed(), kind.boxed(), address.boxed());
        let text = || ".{0,20}";
        let lists = [
            Call::SupportedMethods,
            Call::ListBannedPubkeys,
            Call::ListAllowedPubkeys,
            Call::ListBannedEvents,
            Call::ListAllowedKinds,
            Call::ListBlockedIps,
        ];
        prop_oneof![
            prop::sample::select(lists.to_vec()),
            (key.clone(), text()).prop_map(|(key, why)| Call::BanPubkey(key, why)),
            (key.clone(), text()).prop_map(|(key, why)| Call::AllowPubkey(key, why)),
            key.clone().prop_map(Call::UnbanPubkey),
            key.prop_map(Call::UnallowPubkey),
            (id.clone(), text()).prop_map(|(id, why)| Call::BanEvent(id, why)),
            id.prop_map(Call::AllowEvent),
            kind.clone().prop_map(Call::AllowKind),
            kind.prop_map(Call::DisallowKind),
            (address.clone(), text()).prop_map(|(address, why)| Call::BlockIp(address, why)),
            address.prop_map(Call::UnblockIp),
            text().prop_map(Call::ChangeRelayName),
            text().prop_map(Call::ChangeRelayDescription),
            text().prop_map(Call::ChangeRelayIcon),
        ]
    }

    proptest! {
        #[test]
        fn calls_round_trip(call in calls()) {
            prop_assert!(METHODS.contains(&call.method()));
            prop_assert_eq!(Call::from_json(call.to_json().as_bytes()), Ok(call));
        }

        #[test]
        fn whatever_comes_is_read_or_refused(json: Vec<u8>, method in prop::sample::select(&METHODS[..]), params in "\\PC{0,40}") {
            let _ = Call::from_json(&json);
            let _ = Call::from_json(format!(r#"{{"method":"{method}","params":[{params}]}}"#).as_bytes());
        }
    }

    #[test]
    fn every_listed_method_is_known() {
        for method in METHODS {
            let json = json!({"method": method, "params": []}).to_string();
            let read = Call::from_json(json.as_bytes());
            assert!(
                !matches!(read, Err(CallError::UnknownMethod(_))),
                "{method}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (json, expected) in [
            ("[]", "the body is no JSON object of method and params"),
            (
                r#"{"params":[]}"#,
                "the body is no JSON object of method and params",
            ),
            (r#"{"method":"dance"}"#, "unknown method: dance"),
            (
                r#"{"method":"banpubkey"}"#,
                "params: expected a public key, 64 hex digits",
            ),
            (
                r#"{"method":"allowkind","params":[65536]}"#,
                "params: expected a kind, a number from 0 to 65535",
            ),
            (
                r#"{"method":"blockip","params":["10.0.0.0/8"]}"#,
                "params: expected an IP address",
            ),
            (
                r#"{"method":"changerelayname","params":[1]}"#,
                "params: expected a text",
            ),
            (
                r#"{"method":"blockip","params":["::1",1]}"#,
                "params: expected a text as the reason",
            ),
        ] {
            let refused = Call::from_json(json.as_bytes()).unwrap_err();
            assert_eq!(refused.to_string(), expected, "{json}");
        }
    }
}
