//! Whether a request over HTTP comes from the operator (NIP-98).
//!
//! What a stranger can make us do is bounded: the header is read, and only one that names an operator's key has
//! its body read and its signature checked.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

use nips::EventId;
use nips::nip98::{HttpAuth, HttpAuthError, MAX_CLOCK_DIFFERENCE};
use serde_json::Value;

use super::server::{Inner, Relay};
use crate::store::StoreError;

/// The method of all requests.
const METHOD: &str = "POST";

/// Authorisations that are remembered at a time. Only an operator's are, each for two minutes.
const MAX_USED: usize = 10_000;

/// Why a request is not looked at.
#[derive(Debug, thiserror::Error)]
pub enum Unauthorized {
    /// There is nobody who may manage this relay.
    #[error("this relay is not managed over HTTP")]
    NotOffered,
    /// Too many requests came from there.
    #[error("too many requests a minute from your network")]
    TooOften,
    /// Nothing says whom it comes from.
    #[error("an Authorization header is needed (NIP-98)")]
    Anonymous,
    /// What says so is not good for this request.
    #[error(transparent)]
    NotProved(#[from] HttpAuthError),
    /// It comes from somebody else.
    #[error("that key may not manage this relay")]
    NotOperator,
    /// The author did not sign it.
    #[error("the signature does not match the event")]
    Signature,
    /// It was used before.
    #[error("that authorisation was used before")]
    Replayed,
    /// Whether it was signed could not be found out, or that it was used not be noted.
    #[error("the request could not be checked, try again later")]
    Unavailable(#[from] StoreError),
}

/// A header that is good for a request of an operator, whatever its body, if it is signed.
#[derive(Debug)]
pub struct Claim(HttpAuth);

/// Authorisations that were used, each with its `created_at`. They are kept beside the decisions, so that none is
/// good again after a restart:
///
/// ```text
/// key: "used authorizations"    value: {"5cc1…":1700000000}
/// ```
#[derive(Debug, Default)]
pub(super) struct Used(Mutex<HashMap<EventId, u64>>);

/// The key of their row.
pub(super) const USED: &str = "used authorizations";

impl Used {
    /// Whether this is the first time, as far as that is of interest at `now` unix seconds.
    fn is_first(&self, id: EventId, created_at: u64, now: u64) -> bool {
        let mut used = self.0.lock().expect("no panic under the lock");
        // Older ones are refused for their age.
        used.retain(|_, created_at| *created_at + MAX_CLOCK_DIFFERENCE >= now);
        used.len() < MAX_USED && used.insert(id, created_at).is_none()
    }

    /// The value of their row.
    fn to_value(&self) -> Value {
        let used = self.0.lock().expect("no panic under the lock");
        let used = used.iter();
        used.map(|(id, created_at)| (id.to_hex(), Value::from(*created_at)))
            .collect()
    }

    /// Takes up those of a row.
    pub(super) fn restore(&self, value: &Value) {
        let rows = value.as_object().into_iter().flatten();
        let read = |(id, at): (&String, &Value)| Some((id.parse().ok()?, at.as_u64()?));
        let mut used = self.0.lock().expect("no panic under the lock");
        used.extend(rows.filter_map(read));
    }
}

impl Relay {
    /// Judges the `Authorization` header of a request to manage the relay, before its body is read.
    ///
    /// # Errors
    /// [`Unauthorized`] says what is wrong first.
    pub fn claim(&self, peer: IpAddr, authorization: Option<&str>) -> Result<Claim, Unauthorized> {
        let inner = self.inner();
        let management = inner.settings.management.as_ref();
        let management = management.ok_or(Unauthorized::NotOffered)?;
        if !inner.crowd.may_request(peer) {
            return Err(Unauthorized::TooOften);
        }
        let header = authorization.ok_or(Unauthorized::Anonymous)?;
        let auth = HttpAuth::from_header(header)?;
        auth.check_request(&management.url, METHOD, inner.clock.now())?;
        if !management.operators.contains(&auth.event().pubkey()) {
            return Err(Unauthorized::NotOperator);
        }
        Ok(Claim(auth))
    }
}

impl Inner {
    /// Checks that an operator signed for this body, and not before.
    pub(super) async fn authorize(&self, claim: Claim, body: &[u8]) -> Result<(), Unauthorized> {
        let Claim(auth) = claim;
        auth.check_payload(body)?;
        let event = auth.event();
        if !self.archive.is_signed(event.clone()).await? {
            return Err(Unauthorized::Signature);
        }
        let now = self.clock.now();
        if !self.used.is_first(event.id(), event.created_at(), now) {
            return Err(Unauthorized::Replayed);
        }
        // Before anything is done: what is done may be worth repeating to somebody who overheard it.
        let value = self.used.to_value();
        Ok(self.decided.keep(USED.to_owned(), value, now).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authorisation_is_good_once_and_then_forgotten_when_it_is_too_old() {
        let used = Used::default();
        let (id, other) = (EventId([1; 32]), EventId([2; 32]));
        assert!(used.is_first(id, 1_000, 1_000));
        assert!(!used.is_first(id, 1_000, 1_060));
        assert!(used.is_first(other, 1_061, 1_061));
        assert_eq!(used.0.lock().unwrap().len(), 1);
        let again = Used::default();
        again.restore(&used.to_value());
        assert!(!again.is_first(other, 1_061, 1_062));
    }
}
