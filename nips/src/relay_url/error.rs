//! Why a text is not a relay URL.

/// Why a text is not a relay URL: the first broken rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RelayUrlError {
    /// Longer than [`MAX_URL_BYTES`](super::MAX_URL_BYTES), as written or in canonical form.
    #[error("longer than 2048 bytes")]
    TooLong,
    /// A control character, a backslash, or white space between other characters.
    #[error("holds white space, a backslash or a control character")]
    Character,
    /// Not `ws://` or `wss://`.
    #[error("does not start with ws:// or wss://")]
    Scheme,
    /// Another URL follows in the same text.
    #[error("holds more than one URL")]
    Concatenated,
    /// A query string: endpoints that differ in it may be different relays.
    #[error("has a query string")]
    Query,
    /// A fragment.
    #[error("has a fragment")]
    Fragment,
    /// Credentials, or an `@` before the host: what differs in it may be different relays.
    #[error("has user information before the host")]
    UserInfo,
    /// The port is not a number from 1 to 65535.
    #[error("port is not a number from 1 to 65535")]
    Port,
    /// The host is no DNS name and no IP literal.
    #[error("host is not a DNS name or IP address")]
    Host,
    /// The host is a name without a dot.
    #[error("host is a name without a dot")]
    SingleLabel,
    /// The host has a `*`.
    #[error("host is a wildcard")]
    Wildcard,
    /// The host ends in a number without being a plain IPv4 address, e.g. `127.1` or `0x7f.0.0.1`.
    #[error("host is a number, or an IPv4 address in a legacy spelling")]
    NumericHost,
    /// The IPv6 literal has a zone id.
    #[error("IPv6 address has a zone id")]
    ZoneId,
    /// The host is under a name that is not for the public internet, e.g. `.local`.
    #[error("host is under a special-use name")]
    SpecialUse,
    /// A loopback or private address where those are refused.
    #[error("host is a local address")]
    Local,
    /// An address outside of the public internet, or an IPv4 address inside an IPv6 one.
    #[error("host is a reserved address")]
    Reserved,
    /// A version 2 onion service; that network was switched off.
    #[error("host is a version 2 onion service, which no longer exist")]
    OnionV2,
    /// Not a valid name of the overlay network that it claims: wrong length, alphabet or checksum.
    #[error("host is not a valid .onion, .i2p or .loki name")]
    Overlay,
    /// The path has a character that must be escaped, or a broken escape.
    #[error("path has a character that must be escaped, or a broken escape")]
    Path,
}

impl RelayUrlError {
    /// Every reason, in the order of the variants.
    pub const ALL: [Self; 19] = [
        Self::TooLong,
        Self::Character,
        Self::Scheme,
        Self::Concatenated,
        Self::Query,
        Self::Fragment,
        Self::UserInfo,
        Self::Port,
        Self::Host,
        Self::SingleLabel,
        Self::Wildcard,
        Self::NumericHost,
        Self::ZoneId,
        Self::SpecialUse,
        Self::Local,
        Self::Reserved,
        Self::OnionV2,
        Self::Overlay,
        Self::Path,
    ];

    /// The stable label of the reason, for metrics and logs.
    pub fn reason(self) -> &'static str {
        match self {
            Self::TooLong => "too-long",
            Self::Character => "character",
            Self::Scheme => "scheme",
            Self::Concatenated => "concatenated",
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::UserInfo => "userinfo",
            Self::Port => "port",
            Self::Host => "host",
            Self::SingleLabel => "single-label",
            Self::Wildcard => "wildcard",
            Self::NumericHost => "numeric-host",
            Self::ZoneId => "zone-id",
            Self::SpecialUse => "special-use",
            Self::Local => "local",
            Self::Reserved => "reserved",
            Self::OnionV2 => "onion-v2",
            Self::Overlay => "overlay",
            Self::Path => "path",
        }
    }
}
