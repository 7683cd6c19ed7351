//! Relays that ask not to be archived.
//!
//! A relay says so with the word `no-archive` among `tags` of its NIP-11 document, or its operator with an
//! event: kind 30078 (NIP-78) whose `d` is that word and whose `r` is the relay's URL, signed by the key that the
//! document names as `self` or `pubkey`. `no-crawl` means the same to an archive. The document is the newest that
//! the monitor has stored, the event the newest that the archive serves, so that deleting it takes the wish back.
//! What was heard is kept with its evidence, and for as long as it holds no connection is made.

use data_encoding::HEXLOWER;
use nips::nip11::{NO_ARCHIVE, RelayInformation};
use nips::{Filter, Kind, PublicKey};
use serde_json::{Value, json};

use crate::model::{MetadataType, Relay, ServiceName, ServiceState, StateType};
use crate::services::Context;
use crate::store::StoreError;
use crate::store::events::{QueryBounds, Scope};

/// Application data by a name of its own (NIP-78).
const APPLICATION_DATA: Kind = Kind(30_078);

/// A wish not to be archived.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Objection {
    /// `nip11` or `event`.
    said_in: &'static str,
    /// The id of the document or the event, hex.
    evidence: String,
}

/// Whether the relay may be archived. What it says is written down when it is new, and forgotten when it is
/// taken back.
///
/// # Errors
/// [`StoreError`] when the store could not say.
pub(super) async fn is_welcome(context: &Context, relay: &Relay) -> Result<bool, StoreError> {
    let objection = objection(context, relay).await?;
    let (service, kind) = (ServiceName::Synchronizer, StateType::Decision);
    let key = relay.url.as_str();
    let known = context.store.state(service, kind, key).await?;
    match (&objection, known) {
        (None, Some(_)) => {
            let keys = [key.to_owned()];
            context.store.delete_states(service, kind, &keys).await?;
        }
        (Some(objection), known) if !objection.is_in(known.as_ref()) => {
            let now = context.clock.now();
            let row = ServiceState {
                service,
                state_type: kind,
                key: key.to_owned(),
                value: objection.to_json(),
                updated_at: now,
            };
            context.store.put_states(&[row]).await?;
        }
        _ => {}
    }
    Ok(objection.is_none())
}

impl Objection {
    fn to_json(&self) -> Value {
        json!({ "wish": NO_ARCHIVE[0], "said_in": self.said_in, "evidence": self.evidence })
    }

    fn is_in(&self, row: Option<&ServiceState>) -> bool {
        row.is_some_and(|row| row.value == self.to_json())
    }
}

async fn objection(context: &Context, relay: &Relay) -> Result<Option<Objection>, StoreError> {
    let document = context
        .store
        .latest_metadata(relay.id, MetadataType::Nip11Info)
        .await;
    let document = match document {
        Ok(Some(found)) => found.metadata,
        // A document that cannot be read says nothing.
        Ok(None) | Err(StoreError::Damaged { .. }) => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let Ok(information) = RelayInformation::parse(document.data().as_bytes()) else {
        return Ok(None);
    };
    if information.wants_no_archive() {
        return Ok(Some(Objection {
            said_in: "nip11",
            evidence: HEXLOWER.encode(&document.id()),
        }));
    }
    signed(context, relay, &information).await
}

/// An event by the relay's own key or its administrator's.
async fn signed(
    context: &Context,
    relay: &Relay,
    information: &RelayInformation,
) -> Result<Option<Objection>, StoreError> {
    let keys = [information.own_key(), information.administrator()];
    let authors: Vec<PublicKey> = keys.into_iter().flatten().collect();
    if authors.is_empty() {
        return Ok(None);
    }
    let filter = Filter::from_value(&json!({
        "kinds": [APPLICATION_DATA],
        "authors": authors.iter().map(PublicKey::to_hex).collect::<Vec<_>>(),
        "#d": NO_ARCHIVE,
        "#r": [relay.url.as_str()],
        "limit": 1,
    }));
    let filter = filter.expect("hex and words make a filter");
    let scope = Scope::public(context.clock.now());
    let bounds = QueryBounds::default();
    let found = context.store.query(vec![filter], scope, bounds).await?;
    Ok(found.events.first().map(|event| Objection {
        said_in: "event",
        evidence: event.id().to_hex(),
    }))
}
