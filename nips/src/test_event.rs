//! Events for unit tests.

use crate::event::UnsignedEvent;
use crate::{Event, Kind, PublicKey, Signature};

/// The author of [`event`].
pub(crate) const AUTHOR: PublicKey = PublicKey([7; 32]);

/// An event with a right id and a wrong signature, created at 1,700,000,000.
pub(crate) fn event(kind: u16, tags: &[&[&str]], content: &str) -> Event {
    let owned = |tag: &&[&str]| tag.iter().map(|text| (*text).to_owned()).collect();
    let draft = UnsignedEvent {
        pubkey: AUTHOR,
        created_at: 1_700_000_000,
        kind: Kind(kind),
        tags: tags.iter().map(owned).collect(),
        content: content.to_owned(),
    };
    Event::from_parts(draft.id(), &draft, Signature([9; 64])).expect("the id is computed")
}
