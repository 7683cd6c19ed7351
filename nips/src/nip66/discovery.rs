//! Kind 30166: what one monitor knows about one relay.

use super::kinds;
use super::labels::{self, Labels};
use super::requirements::{RelayType, Requirements};
use super::tags::{TagWriter, all, first, texts};
use super::{ClaimAudit, Dns, Geo, Http, Net, Rtt, Ssl, draft};
use crate::event::Tag;
use crate::nip11::RelayInformation;
use crate::relay_url::LocalRelays;
use crate::{EventRef, Kind, Network, RelayUrl, tag_values};

/// The kind of the draft that came before 30166; its events are still found.
const DRAFT_KIND: Kind = Kind(30_066);

/// Most NIPs or kinds read from one event.
const MAX_NUMBERS: usize = 512;

/// Most topics, types, attributes or languages read from one event.
const MAX_TEXTS: usize = 64;

/// What a monitor publishes about a relay that is online. Absent means not measured.
#[derive(Debug, Clone, PartialEq)]
pub struct RelayDiscovery {
    /// The relay.
    pub url: RelayUrl,
    /// Its network; `None` when the event names none.
    pub network: Option<Network>,
    /// Round-trip times; only what worked is published.
    pub rtt: Rtt,
    /// Certificate.
    pub ssl: Option<Ssl>,
    /// Address and autonomous system.
    pub net: Option<Net>,
    /// Place.
    pub geo: Option<Geo>,
    /// DNS records.
    pub dns: Option<Dns>,
    /// HTTP headers.
    pub http: Option<Http>,
    /// What was observed of its claims.
    pub claims: Option<ClaimAudit>,
    /// Supported NIPs: what the document lists, without those that it was seen not to support.
    pub nips: Vec<u16>,
    /// Kinds that it is known to take.
    pub accepted_kinds: Vec<u16>,
    /// Kinds that it is known to refuse.
    pub refused_kinds: Vec<u16>,
    /// Topics, lowercase.
    pub topics: Vec<String>,
    /// ISO 639-1 codes of its languages.
    pub languages: Vec<String>,
    /// What it asks of users.
    pub requirements: Requirements,
    /// Names of relay types, e.g. `PublicInbox`.
    pub types: Vec<String>,
    /// NIP-11 attributes.
    pub attributes: Vec<String>,
    /// Its NIP-11 document.
    pub information: Option<RelayInformation>,
}

/// Results of one visit, each only if that check produced something.
#[derive(Debug, Clone, Default)]
pub struct Observation {
    /// Round-trip times.
    pub rtt: Rtt,
    /// The NIP-11 document that was read.
    pub information: Option<RelayInformation>,
    /// Kinds of events of several authors that it is known to hold, those of which it holds most first.
    pub held_kinds: Vec<u16>,
    /// Certificate.
    pub ssl: Option<Ssl>,
    /// Address and autonomous system.
    pub net: Option<Net>,
    /// Place.
    pub geo: Option<Geo>,
    /// DNS records.
    pub dns: Option<Dns>,
    /// HTTP headers.
    pub http: Option<Http>,
    /// What was observed of the document's claims, now or not long ago.
    pub claims: Option<ClaimAudit>,
}

/// Why an event is no relay discovery event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// Neither 30166 nor the draft's 30066.
    #[error("kind is not that of a relay discovery event")]
    Kind,
    /// The `d` tag is no relay URL. A hex key, for relays without URL, is not supported.
    #[error("d tag is not a relay URL")]
    Identifier,
}

/// The `d` value of a relay: its URL with a slash where there is no path, as in NIP-66's examples.
pub fn discovery_identifier(url: &RelayUrl) -> String {
    let slash = if url.path().is_empty() { "/" } else { "" };
    format!("{url}{slash}")
}

impl RelayDiscovery {
    /// What a visit says about a relay; `None` unless a connection came about, since consumers take
    /// such an event for a sign of life.
    pub fn observed(url: &RelayUrl, observation: Observation) -> Option<Self> {
        if !observation.rtt.is_open() {
            return None;
        }
        let information = observation.information.as_ref();
        let requirements = Requirements::observed(&observation.rtt, information);
        let claims = observation.claims.as_ref();
        let mut nips = information.map_or_else(Vec::new, |it| it.supported_nips.clone());
        nips.retain(|nip| !claims.is_some_and(|claims| claims.refutes(*nip)));
        let (accepted_kinds, refused_kinds) =
            kinds::observed(&observation.rtt, information, &observation.held_kinds);
        let types = RelayType::of(&observation.rtt, &requirements, &nips);
        Some(Self {
            url: url.clone(),
            network: Some(url.network()),
            types: types.iter().map(|it| it.as_str().to_owned()).collect(),
            topics: information.map_or_else(Vec::new, |it| topics(&it.tags)),
            languages: information.map_or_else(Vec::new, |it| languages(&it.language_tags)),
            attributes: information.map_or_else(Vec::new, |it| it.attributes.clone()),
            accepted_kinds,
            refused_kinds,
            requirements,
            nips,
            rtt: observation.rtt,
            ssl: observation.ssl,
            net: observation.net,
            geo: observation.geo,
            dns: observation.dns,
            http: observation.http,
            claims: observation.claims,
            information: observation.information,
        })
    }

    /// Reads an event of anybody's monitor, of today's form or a draft's. Values that cannot be read
    /// are as if they were absent.
    ///
    /// # Errors
    /// [`DiscoveryError`] when it is another kind of event or about no relay URL.
    pub fn parse(event: &EventRef<'_>, local: LocalRelays) -> Result<Self, DiscoveryError> {
        if !matches!(event.kind, Kind::RELAY_DISCOVERY | DRAFT_KIND) {
            return Err(DiscoveryError::Kind);
        }
        let tags = draft::modernised(&event.tags());
        let url = RelayUrl::parse_with(tag_values::identifier(&tags), local)
            .map_err(|_| DiscoveryError::Identifier)?;
        let information = RelayInformation::parse(event.content().as_bytes()).ok();
        Ok(Self::from_tags(url, &tags, information))
    }

    fn from_tags(url: RelayUrl, tags: &[Tag<'_>], information: Option<RelayInformation>) -> Self {
        let (accepted_kinds, refused_kinds) = named_kinds(tags);
        Self {
            url,
            network: first(tags, "n"),
            rtt: Rtt::from_tags(tags),
            ssl: Ssl::from_tags(tags),
            net: Net::from_tags(tags),
            geo: Geo::from_tags(tags),
            dns: Dns::from_tags(tags),
            http: Http::from_tags(tags),
            claims: ClaimAudit::from_tags(tags),
            nips: all(tags, "N", MAX_NUMBERS),
            accepted_kinds,
            refused_kinds,
            topics: texts(tags, "t", MAX_TEXTS),
            languages: labels::values(tags, labels::LANGUAGE, MAX_TEXTS),
            requirements: Requirements::from_tags(tags),
            types: texts(tags, "T", MAX_TEXTS),
            attributes: texts(tags, "W", MAX_TEXTS),
            information: information.filter(|it| *it != RelayInformation::default()),
        }
    }

    /// The tags of the event.
    pub fn to_tags(&self) -> Vec<Vec<String>> {
        let mut tags = TagWriter::default();
        tags.push("d", discovery_identifier(&self.url));
        tags.push_some("n", self.network);
        self.rtt.push_tags(&mut tags);
        self.push_check_tags(&mut tags);
        push_all(&mut tags, "N", &self.nips);
        push_all(&mut tags, "k", &self.accepted_kinds);
        let refused = self.refused_kinds.iter().map(|kind| format!("!{kind}"));
        push_all(&mut tags, "k", refused);
        push_all(&mut tags, "t", &self.topics);
        self.labels().push_tags(&mut tags);
        self.requirements.push_tags(&mut tags);
        push_all(&mut tags, "T", &self.types);
        push_all(&mut tags, "W", &self.attributes);
        tags.0
    }

    /// The content of the event: the NIP-11 document, or nothing.
    pub fn content(&self) -> String {
        let document = self.information.as_ref();
        document.map_or_else(String::new, RelayInformation::to_json)
    }

    fn push_check_tags(&self, tags: &mut TagWriter) {
        if let Some(ssl) = &self.ssl {
            ssl.push_tags(tags);
        }
        if let Some(net) = &self.net {
            net.push_tags(tags);
        }
        if let Some(geo) = &self.geo {
            geo.push_tags(tags);
        }
        if let Some(dns) = &self.dns {
            dns.push_tags(tags);
        }
        if let Some(http) = &self.http {
            http.push_tags(tags);
        }
    }

    fn labels(&self) -> Labels {
        let mut labels = Labels::default();
        for language in &self.languages {
            labels.add(labels::LANGUAGE, language);
        }
        if let Some(geo) = &self.geo {
            geo.collect_labels(&mut labels);
        }
        if let Some(net) = &self.net {
            net.collect_labels(&mut labels);
        }
        if let Some(claims) = &self.claims {
            claims.collect_labels(&mut labels);
        }
        labels
    }
}

fn push_all(tags: &mut TagWriter, name: &str, values: impl IntoIterator<Item = impl ToString>) {
    for value in values {
        tags.push(name, value);
    }
}

/// `k` tags as (accepted, refused).
fn named_kinds(tags: &[Tag<'_>]) -> (Vec<u16>, Vec<u16>) {
    let refused = tag_values::values(tags, "k")
        .filter_map(|value| value.strip_prefix('!')?.parse().ok())
        .take(MAX_NUMBERS)
        .collect();
    (all(tags, "k", MAX_NUMBERS), refused)
}

fn topics(tags: &[String]) -> Vec<String> {
    let mut topics: Vec<String> = Vec::new();
    for topic in tags.iter().map(|tag| tag.to_lowercase()) {
        if !topics.contains(&topic) {
            topics.push(topic);
        }
    }
    topics
}

/// The primary subtags of two letters, lowercase; none when the relay says that it takes all.
fn languages(language_tags: &[String]) -> Vec<String> {
    let mut languages: Vec<String> = Vec::new();
    if language_tags.iter().any(|tag| tag == "*") {
        return languages;
    }
    for tag in language_tags {
        let primary = tag
            .split(['-', '_'])
            .next()
            .unwrap_or(tag)
            .to_ascii_lowercase();
        let is_code = primary.len() == 2 && primary.bytes().all(|byte| byte.is_ascii_lowercase());
        if is_code && !languages.contains(&primary) {
            languages.push(primary);
        }
    }
    languages
}

#[cfg(test)]
mod tests;
