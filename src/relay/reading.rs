//! From text to a message that can be acted on, or the refusal that names what it was.
//!
//! A request of a megabyte takes ten milliseconds to read. On a thread that serves clients they would all wait for it;
//! so it is read by one that gives way, and only its own client waits.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use nips::ClientMessage;
use nips::client_message::Refusal;

use super::connection::Ended;
use super::reply::Reply;
use super::server::Inner;
use super::session::Session;
use super::syncing::SyncError;

/// Messages of more bytes are read elsewhere. Up to it that takes less than handing them over is worth.
const MAX_BYTES: usize = 16 << 10;

/// Threads that read. One reads a hundred megabytes a second, and more would take the cores of those
/// who ask for little.
pub(super) const READERS: usize = 1;

/// What such a message says.
pub(super) struct Read {
    /// Its length, bytes.
    pub(super) length: usize,
    pub(super) message: Result<ClientMessage<'static>, Refusal>,
}

/// The long message of one connection that is being read, if any.
#[derive(Default)]
pub(super) struct Reading(Option<Pin<Box<dyn Future<Output = Option<Read>> + Send>>>);

impl Reading {
    /// Whether a message takes long to read. Of an event hardly anything is read before the archive has it.
    pub(super) fn is_long(text: &str) -> bool {
        text.len() > MAX_BYTES && !text.starts_with("[\"EVENT\"")
    }

    /// Whether none is being read; until then no more may be taken from the client, so that its messages stay in order.
    pub(super) fn is_idle(&self) -> bool {
        self.0.is_none()
    }

    /// Begins to read one.
    pub(super) fn begin(&mut self, relay: &Arc<Inner>, text: Utf8Bytes) {
        let relay = Arc::clone(relay);
        let read = move || Read {
            length: text.len(),
            message: ClientMessage::parse(&text).map(ClientMessage::into_owned),
        };
        self.0 = Some(Box::pin(async move { relay.background.run(read).await }));
    }

    /// What the message says, once it has been read; `None` when the process ends. Waits for ever while there is no
    /// such message. Cancel-safe.
    pub(super) async fn finished(&mut self) -> Option<Read> {
        let Some(under_way) = &mut self.0 else {
            return pending().await;
        };
        let read = under_way.as_mut().await;
        self.0 = None;
        read
    }
}

impl Session<'_> {
    pub(super) async fn receive_text(&mut self, text: Utf8Bytes) -> Result<(), Ended> {
        if Reading::is_long(&text) {
            self.reading.begin(self.relay, text);
            return Ok(());
        }
        self.take(text.len(), ClientMessage::parse(&text)).await
    }

    /// Takes a message of that length.
    pub(super) async fn take(
        &mut self,
        length: usize,
        message: Result<ClientMessage<'_>, Refusal>,
    ) -> Result<(), Ended> {
        let max_length = self.relay.settings.limits.max_message_length;
        if length > max_length {
            let why = format!("invalid: message is longer than {max_length} bytes");
            return self.refuse(too_long(message, why)).await;
        }
        match message {
            Ok(message) => self.act_on(message).await,
            Err(refusal) => self.refuse(refusal.into()).await,
        }
    }

    /// Refuses a message. A client that hears of an end under an id takes what it had open under it for ended, whatever
    /// it was that could not be answered.
    pub(super) async fn refuse(&mut self, reply: Reply) -> Result<(), Ended> {
        match &reply {
            Reply::Closed { subscription, .. } => self.close(subscription),
            Reply::NegError { id, .. } => self.syncing.close(id),
            _ => {}
        }
        self.reply(&reply).await
    }
}

/// The refusal of a message that was read only to see whom to answer.
fn too_long(message: Result<ClientMessage<'_>, Refusal>, why: String) -> Reply {
    match message {
        Ok(ClientMessage::Event(event) | ClientMessage::Auth(event)) => {
            Reply::refused(event.id, why)
        }
        Ok(ClientMessage::Req { subscription, .. }) => Reply::closed(subscription, why),
        Ok(ClientMessage::Count { id, .. }) => Reply::closed(id, why),
        Ok(ClientMessage::NegOpen { id, .. } | ClientMessage::NegMessage { id, .. }) => {
            Reply::neg_error(id, SyncError::Other(why))
        }
        Ok(ClientMessage::Close(_) | ClientMessage::NegClose(_)) | Err(_) => Reply::Notice(why),
    }
}
