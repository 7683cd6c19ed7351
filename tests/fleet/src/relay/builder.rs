//! The healthy engine: a `nostr-relay-builder` relay over its in-memory database.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use nips::{Event, EventId};
use nostr::JsonUtil;
use nostr_relay_builder::LocalRelay;
use nostr_relay_builder::builder::{RateLimit, RelayBuilder};
use nostr_relay_builder::prelude::{MemoryDatabase, MemoryDatabaseOptions, NostrDatabase};
use tokio::io::{AsyncRead, AsyncWrite};

/// Most events for one filter; most real relays stop at 500 too, and the NIP-11 document says so.
const MAX_LIMIT: usize = 500;

/// Somebody else's relay, with its database at hand.
pub(crate) struct Builder {
    relay: LocalRelay,
    database: MemoryDatabase,
}

impl Builder {
    /// A relay without limits on how fast one may ask or write, which is not what it is here to test.
    pub(crate) fn new() -> Self {
        let database = MemoryDatabase::with_opts(MemoryDatabaseOptions {
            events: true,
            max_events: None,
        });
        let limits = RateLimit {
            max_reqs: 10_000,
            notes_per_minute: 1_000_000,
        };
        let builder = RelayBuilder::default()
            .database(database.clone())
            .rate_limit(limits)
            .max_filter_limit(MAX_LIMIT);
        Self {
            relay: LocalRelay::new(builder),
            database,
        }
    }

    /// Stores events as if clients had sent them in rising time. Superseded, deleted and expired ones are
    /// not kept.
    pub(crate) async fn load(&self, events: &[Arc<Event>]) -> Result<()> {
        let mut events: Vec<&Arc<Event>> = events.iter().collect();
        events.sort_by_key(|event| event.created_at());
        for event in events {
            self.save(event).await?;
        }
        Ok(())
    }

    /// Stores one event and delivers it to live subscriptions.
    pub(crate) async fn publish(&self, event: &Event) -> Result<()> {
        self.save(event).await?;
        self.relay.notify_event(convert(event)?);
        Ok(())
    }

    /// What is held now.
    pub(crate) async fn ids(&self) -> Result<BTreeSet<EventId>> {
        let everything = nostr::Filter::new();
        let Ok(events) = self.database.query(everything).await else {
            bail!("the in-memory database does not answer");
        };
        Ok(events
            .iter()
            .map(|event| EventId(event.id.to_bytes()))
            .collect())
    }

    /// Serves one upgraded connection to its end.
    pub(crate) async fn take_connection<S>(&self, stream: S, peer: SocketAddr) -> Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        match self.relay.take_connection(stream, peer).await {
            Ok(()) => Ok(()),
            Err(error) => bail!("{error}"),
        }
    }

    async fn save(&self, event: &Event) -> Result<()> {
        match self.database.save_event(&convert(event)?).await {
            Ok(_) => Ok(()),
            Err(error) => bail!("the in-memory database refused an event: {error}"),
        }
    }
}

fn convert(event: &Event) -> Result<nostr::Event> {
    nostr::Event::from_json(event.to_json()).context("nostr does not read our event")
}
