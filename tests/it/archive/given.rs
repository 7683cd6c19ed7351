//! An archive in a temporary directory, authors, and short ways to say what happens.

use std::sync::Arc;

use bigbrotr::archive::{Admission, Archive, ArchiveSettings, Door, Rejection};
use bigbrotr::clock::MockClock;
use bigbrotr::model::RelayId;
use bigbrotr::store::EventStore;
use bigbrotr::store::lmdb::{LmdbEvents, LmdbOptions};
use fleet::events::Author;
use nips::{Event, Kind, Signature};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tempfile::TempDir;

/// The moment at which tests take place.
pub(crate) const NOW: u64 = 1_750_000_000;

/// An archive and what it stands on.
pub(crate) struct Given {
    pub(crate) archive: Archive,
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) _directory: TempDir,
}

/// An archive over the real event store.
pub(crate) fn archive() -> Given {
    let directory = tempfile::tempdir().unwrap();
    let store = LmdbEvents::open(LmdbOptions::at(directory.path())).unwrap();
    over(Arc::new(store), directory)
}

/// An archive over a store of the test's own.
pub(crate) fn over(store: Arc<dyn EventStore>, directory: TempDir) -> Given {
    let clock = Arc::new(MockClock::at(NOW));
    let archive = Archive::new(Arc::clone(&store), clock, ArchiveSettings::default());
    Given {
        archive,
        store,
        _directory: directory,
    }
}

/// The author of that number.
pub(crate) fn author(number: u64) -> Author {
    Author::random(&mut StdRng::seed_from_u64(number))
}

/// A text note of the first author, different for each number.
pub(crate) fn note(number: u64) -> Event {
    author(1).sign(
        Kind::TEXT_NOTE,
        NOW - number,
        Vec::new(),
        format!("note {number}"),
    )
}

/// Tags written as slices.
pub(crate) fn tags(tags: &[&[&str]]) -> Vec<Vec<String>> {
    let tag = |tag: &&[&str]| tag.iter().map(|&text| text.to_owned()).collect();
    tags.iter().map(tag).collect()
}

/// The same event with a signature that is not its author's.
pub(crate) fn forged(event: &Event) -> String {
    let signature = event.sig().to_hex();
    let other = Signature([7; 64]).to_hex();
    event.to_json().replace(&signature, &other)
}

pub(crate) fn crawl(relay: u32) -> Door {
    Door::Crawl(RelayId(relay))
}

pub(crate) fn client() -> Door {
    Door::Client {
        authenticated: Vec::new(),
    }
}

/// Raw events as they come off the wire.
pub(crate) fn raw<'e>(events: impl IntoIterator<Item = &'e Event>) -> Vec<Box<str>> {
    let texts = events.into_iter().map(|event| event.to_json().into());
    texts.collect()
}

pub(crate) fn refused(admission: &Admission) -> &'static str {
    match admission {
        Admission::Refused(rejection) => Rejection::reason(rejection),
        other => panic!("expected a refusal, got {other:?}"),
    }
}
