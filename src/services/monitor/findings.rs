//! What one look at a relay found out, and what of it is stored and published.

use nips::canonical_json::to_canonical_json;
use nips::nip11::RelayInformation;
use nips::nip66::{ClaimAudit, Dns, Geo, Http, Net, Observation, Ssl};
use serde::Serialize;
use tracing::debug;

use crate::checks::rtt::RttCheck;
use crate::config::ChecksIncluded;
use crate::model::{Metadata, MetadataType};

/// Results, each only where its check ran and produced something.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// Connection, reading, writing.
    pub connection: RttCheck,
    /// The NIP-11 document.
    pub information: Option<RelayInformation>,
    /// The certificate.
    pub ssl: Option<Ssl>,
    /// DNS records.
    pub dns: Option<Dns>,
    /// HTTP headers.
    pub http: Option<Http>,
    /// The place of the address.
    pub geo: Option<Geo>,
    /// The address and whose it is.
    pub net: Option<Net>,
    /// What was observed of the document's claims.
    pub claims: Option<ClaimAudit>,
    /// What was observed of them the last time, where they were not looked at now.
    pub claims_before: Option<ClaimAudit>,
    /// Checks that were made and produced nothing, with the reason.
    pub failures: Vec<(MetadataType, String)>,
}

impl Findings {
    /// Takes the result of a check, or notes why there is none.
    pub(super) fn note<T>(
        &mut self,
        check: MetadataType,
        result: Result<Option<T>, String>,
    ) -> Option<T> {
        result.unwrap_or_else(|reason| {
            debug!(check = check.as_str(), reason, "check_failed");
            self.failures.push((check, reason));
            None
        })
    }

    /// The documents to store. Of a relay that did not answer, only a certificate that explains it.
    pub(super) fn documents(&self, stored: &ChecksIncluded) -> Vec<Metadata> {
        let is_explanation = self
            .ssl
            .as_ref()
            .is_some_and(|ssl| ssl.valid == Some(false));
        let mut documents = Vec::new();
        if self.connection.is_online() || is_explanation {
            documents.push((MetadataType::Nip66Ssl, self.ssl.as_ref().map(canonical)));
        }
        if self.connection.is_online() {
            let information = self.information.as_ref().map(RelayInformation::to_json);
            documents.push((MetadataType::Nip11Info, information));
            documents.push((MetadataType::Nip66Geo, self.geo.as_ref().map(canonical)));
            documents.push((MetadataType::Nip66Net, self.net.as_ref().map(canonical)));
            documents.push((MetadataType::Nip66Dns, self.dns.as_ref().map(canonical)));
            documents.push((MetadataType::Nip66Http, self.http.as_ref().map(canonical)));
            documents.push((
                MetadataType::ClaimAudit,
                self.claims.as_ref().map(canonical),
            ));
        }
        documents.retain(|(check, _)| stored.includes(*check));
        let found = documents.into_iter();
        found
            .filter_map(|(check, document)| Some(Metadata::new(check, document?)))
            .collect()
    }

    /// What is published, with the kinds that the relay holds.
    pub fn into_observation(self, included: &ChecksIncluded, held_kinds: Vec<u16>) -> Observation {
        let is_included = |check| included.includes(check);
        let claims = self.claims.or_else(|| {
            let mut before = self.claims_before?;
            // A newer document may claim something else.
            if let Some(information) = &self.information {
                before.keep_claims_of(information);
            }
            Some(before)
        });
        Observation {
            held_kinds,
            rtt: self.connection.rtt,
            information: self
                .information
                .filter(|_| is_included(MetadataType::Nip11Info)),
            ssl: self.ssl.filter(|_| is_included(MetadataType::Nip66Ssl)),
            dns: self.dns.filter(|_| is_included(MetadataType::Nip66Dns)),
            http: self.http.filter(|_| is_included(MetadataType::Nip66Http)),
            geo: self.geo.filter(|_| is_included(MetadataType::Nip66Geo)),
            net: self.net.filter(|_| is_included(MetadataType::Nip66Net)),
            claims: claims.filter(|_| is_included(MetadataType::ClaimAudit)),
        }
    }
}

fn canonical(document: &impl Serialize) -> String {
    to_canonical_json(document).expect("fields are text, numbers and lists")
}
