//! The events that one client publishes, on their way through the archive's door.
//!
//! What arrives while a batch is being verified and committed forms the next one, so that a client
//! that sends many events pays for one commit in many, and one that sends a single event waits for
//! nobody.

use std::sync::Arc;

use nips::PublicKey;
use tokio::task::JoinSet;

use super::reply::Reply;
use super::server::Inner;
use crate::archive::{Admission, Door, Rejection};
use crate::store::StoreError;
use crate::store::events::Visibility;

/// Batches of one client that are admitted at the same time: one is verified while the other waits
/// for the disk.
const CONCURRENT_BATCHES: usize = 2;

/// Events that wait for their turn before no more is read from the client.
const MAX_WAITING: usize = 512;

/// The same in bytes.
const MAX_WAITING_BYTES: usize = 4 << 20;

/// A published event.
struct Published {
    id: String,
    author: Option<PublicKey>,
    json: Box<str>,
}

/// The queue of one connection.
pub(super) struct Ingest {
    relay: Arc<Inner>,
    /// Keys the client has proved to hold.
    authenticated: Vec<PublicKey>,
    waiting: Vec<Published>,
    waiting_bytes: usize,
    batches: JoinSet<Vec<Reply>>,
}

impl Ingest {
    pub(super) fn new(relay: Arc<Inner>) -> Self {
        Self {
            relay,
            authenticated: Vec::new(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            batches: JoinSet::new(),
        }
    }

    /// Events that come from now on are brought by somebody who holds these keys.
    pub(super) fn authenticate(&mut self, keys: &[PublicKey]) {
        self.authenticated = keys.to_vec();
    }

    /// Whether more may be read from the client.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < MAX_WAITING && self.waiting_bytes < MAX_WAITING_BYTES
    }

    pub(super) fn push(&mut self, id: String, author: Option<PublicKey>, json: Box<str>) {
        self.waiting_bytes += json.len();
        self.waiting.push(Published { id, author, json });
        self.start_batch();
    }

    /// The answers to the next finished batch; `None` when nothing is under way. Cancel-safe.
    pub(super) async fn finished(&mut self) -> Option<Vec<Reply>> {
        let replies = self.batches.join_next().await?;
        self.start_batch();
        // A batch that panicked has no answers; the client will ask again.
        Some(replies.unwrap_or_default())
    }

    fn start_batch(&mut self) {
        if self.waiting.is_empty() || self.batches.len() >= CONCURRENT_BATCHES {
            return;
        }
        let batch = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        let relay = Arc::clone(&self.relay);
        let authenticated = self.authenticated.clone();
        self.batches.spawn(admit(relay, authenticated, batch));
    }
}

async fn admit(
    relay: Arc<Inner>,
    authenticated: Vec<PublicKey>,
    batch: Vec<Published>,
) -> Vec<Reply> {
    let named = |event: Published| ((event.id, event.author), event.json);
    let (names, texts): (Vec<_>, Vec<Box<str>>) = batch.into_iter().map(named).unzip();
    let (ids, authors): (Vec<String>, Vec<Option<PublicKey>>) = names.into_iter().unzip();
    let protected = match (relay.settings.offers_authentication(), &authenticated[..]) {
        (false, _) => "blocked: only its author may publish a protected event",
        (true, []) => "auth-required: only its author may publish a protected event",
        (true, _) => "restricted: only its author may publish a protected event",
    };
    let admitted = relay.archive.admit(texts, Door::Client { authenticated });
    match admitted.await {
        Ok(admissions) => {
            charge_authors(&relay, &authors, &admissions);
            ids.into_iter()
                .zip(admissions)
                .map(|(id, admission)| reply(id, &admission, protected))
                .collect()
        }
        Err(error) => ids.into_iter().map(|id| unavailable(id, &error)).collect(),
    }
}

/// What was new and truly theirs counts for its authors.
fn charge_authors(relay: &Inner, authors: &[Option<PublicKey>], admissions: &[Admission]) {
    for (author, admission) in authors.iter().zip(admissions) {
        let is_new = matches!(admission, Admission::Stored(_) | Admission::Delivered);
        if let (Some(author), true) = (author, is_new) {
            relay.crowd.admitted(*author);
        }
    }
}

fn reply(id: String, admission: &Admission, protected: &str) -> Reply {
    let (is_accepted, text) = match admission {
        Admission::Stored(Visibility::Superseded) => {
            (true, "info: stored, a newer version is here".to_owned())
        }
        Admission::Stored(_) | Admission::Delivered => (true, String::new()),
        Admission::Known { .. } => (true, "duplicate: already have this event".to_owned()),
        Admission::Refused(Rejection::Protected) => (false, protected.to_owned()),
        Admission::Refused(rejection) => (false, rejection.message()),
    };
    Reply::Ok {
        id,
        is_accepted,
        text,
    }
}

fn unavailable(id: String, error: &StoreError) -> Reply {
    tracing::warn!(reason = error.reason(), %error, "a client's event could not be stored");
    Reply::refused(id, "error: could not store the event, try again later")
}
