//! Parsing and BIP-340 signatures on all cores, off the async runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nips::Event;
use secp256k1::schnorr::Signature;
use secp256k1::{Message, SECP256K1};

use super::Rejection;
use super::author_points::AuthorPoints;
use super::workers::Workers;
use crate::store::StoreError;

/// Events parsed in one go: about a millisecond, so that batches share the cores fairly.
const PARSE_CHUNK: usize = 512;

/// Signatures checked in one go: about three milliseconds.
const VERIFY_CHUNK: usize = 128;

/// Up to this many events, handing the work to another thread costs more than it spares.
const INLINE_EVENTS: usize = 4;

/// Text above this size is parsed off the runtime even when it is few events.
const INLINE_BYTES: usize = 32 << 10;

/// Parses and verifies, on as many threads as there are to be.
pub(super) struct Verifier {
    workers: Workers,
    /// Events whose signatures were handed in and are not checked yet.
    waiting: AtomicUsize,
    points: Arc<AuthorPoints>,
}

impl Verifier {
    pub(super) fn new(threads: usize) -> Self {
        Self {
            workers: Workers::new(threads),
            waiting: AtomicUsize::new(0),
            points: Arc::new(AuthorPoints::default()),
        }
    }

    /// Parses event objects and checks their ids, in the order given.
    pub(super) async fn parse(
        &self,
        texts: Vec<Box<str>>,
        max_bytes: usize,
    ) -> Result<Vec<Result<Event, Rejection>>, StoreError> {
        let is_small = texts.len() <= INLINE_EVENTS
            && texts.iter().map(|text| text.len()).sum::<usize>() <= INLINE_BYTES;
        let parse = move |text: Box<str>| parse(&text, max_bytes);
        if is_small {
            return Ok(texts.into_iter().map(parse).collect());
        }
        // No result means that the runtime shuts down and the store with it.
        let parsed = self.workers.each(texts, PARSE_CHUNK, parse).await;
        parsed.ok_or(StoreError::Closed)
    }

    /// Checks signatures: `true` for each event whose author signed it, in the order given.
    pub(super) async fn verify(
        &self,
        events: Vec<Event>,
    ) -> Result<Vec<(Event, bool)>, StoreError> {
        let points = Arc::clone(&self.points);
        let verify = move |event: Event| {
            let is_valid = is_signed(&event, &points);
            (event, is_valid)
        };
        if events.len() <= INLINE_EVENTS {
            return Ok(events.into_iter().map(verify).collect());
        }
        let _waiting = Waiting::new(&self.waiting, events.len());
        let verified = self.workers.each(events, VERIFY_CHUNK, verify).await;
        verified.ok_or(StoreError::Closed)
    }

    /// How many events are being verified, in all calls.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// Counts events for as long as a call is about them, also when it is dropped.
struct Waiting<'v> {
    total: &'v AtomicUsize,
    events: usize,
}

impl<'v> Waiting<'v> {
    fn new(total: &'v AtomicUsize, events: usize) -> Self {
        total.fetch_add(events, Ordering::Relaxed);
        Self { total, events }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.total.fetch_sub(self.events, Ordering::Relaxed);
    }
}

fn parse(text: &str, max_bytes: usize) -> Result<Event, Rejection> {
    if text.len() > max_bytes {
        return Err(Rejection::TooLarge(max_bytes));
    }
    Event::from_json(text).map_err(Rejection::Malformed)
}

fn is_signed(event: &Event, points: &AuthorPoints) -> bool {
    let Some(key) = points.of(event.pubkey()) else {
        return false;
    };
    let Ok(signature) = Signature::from_slice(event.sig().as_bytes()) else {
        return false;
    };
    let message = Message::from_digest(event.id().0);
    SECP256K1.verify_schnorr(&signature, &message, &key).is_ok()
}
