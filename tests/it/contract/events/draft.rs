//! Events for tests, with a right id and a signature nobody checks.

use nips::event::UnsignedEvent;
use nips::{Event, Kind, PublicKey, Signature};

/// An author that differs from the others in the first byte.
pub(crate) fn author(number: u8) -> PublicKey {
    PublicKey([number; 32])
}

/// An event of an author, at a second.
pub(crate) fn event(author_number: u8, kind: u16, created_at: u64, tags: &[&[&str]]) -> Event {
    event_with(author_number, kind, created_at, tags, "")
}

/// The same with content, to make another id.
pub(crate) fn event_with(
    author_number: u8,
    kind: u16,
    created_at: u64,
    tags: &[&[&str]],
    content: &str,
) -> Event {
    let own = |tag: &&[&str]| tag.iter().map(|text| (*text).to_owned()).collect();
    sealed(&UnsignedEvent {
        pubkey: author(author_number),
        created_at,
        kind: Kind(kind),
        tags: tags.iter().map(own).collect(),
        content: content.to_owned(),
    })
}

/// The event that a draft becomes.
pub(crate) fn sealed(draft: &UnsignedEvent) -> Event {
    Event::from_parts(draft.id(), draft, Signature([9; 64])).unwrap()
}
