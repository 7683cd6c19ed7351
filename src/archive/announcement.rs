//! What the archive tells its live readers.

use std::sync::{Arc, OnceLock};

use nips::Event;

use crate::store::events::{BatchNumber, Visibility};

/// Events that have just become servable.
#[derive(Debug)]
pub struct Announcement {
    /// The batch of arrivals that holds them; `None` for ephemeral events. Announcements of
    /// different batches may overtake each other.
    pub batch: Option<BatchNumber>,
    /// The events, each [`Visibility::Public`] or [`Visibility::Private`].
    pub events: Vec<Arc<LiveEvent>>,
}

/// One announced event; text and tags are made once for all readers.
#[derive(Debug)]
pub struct LiveEvent {
    /// The event, verified and, unless it is ephemeral, durable.
    pub event: Event,
    /// [`Visibility::Public`] or [`Visibility::Private`].
    pub visibility: Visibility,
    json: OnceLock<Box<str>>,
    indexed_tags: OnceLock<Vec<(u8, String)>>,
}

impl LiveEvent {
    /// An event that is about to be announced.
    pub fn new(event: Event, visibility: Visibility) -> Self {
        Self {
            event,
            visibility,
            json: OnceLock::new(),
            indexed_tags: OnceLock::new(),
        }
    }

    /// The event as compact JSON, `id` first.
    pub fn json(&self) -> &str {
        self.json.get_or_init(|| self.event.to_json().into())
    }

    /// Its one-letter tags that have a value, as (letter, value).
    pub fn indexed_tags(&self) -> &[(u8, String)] {
        self.indexed_tags.get_or_init(|| {
            let tags = self.event.as_ref().indexed_tags();
            tags.into_iter()
                .map(|(letter, value)| (letter, value.into_owned()))
                .collect()
        })
    }
}
