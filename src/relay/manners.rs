//! What one client may do how often, beside all the others of its network and its key.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nips::{Filter, PublicKey};
use tokio::time::Instant;

use super::bans::Bans;
use super::filter_limits::expected_time;
use super::places::Places;
use super::rate::{Rate, Rates};
use super::settings::RelaySettings;
use crate::model::AddressBlock;

/// What is counted over all connections.
#[derive(Debug)]
pub(super) struct Crowd {
    pub(super) places: Places,
    pub(super) bans: Bans,
    events_of_network: Rates<AddressBlock>,
    requests_of_network: Rates<AddressBlock>,
    events_of_author: Rates<PublicKey>,
    time_of_client: Rates<u64>,
    time_of_network: Rates<AddressBlock>,
    clients: AtomicU64,
}

/// Whom the time of a query is charged to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Payer {
    client: u64,
    network: AddressBlock,
}

impl Crowd {
    pub(super) fn new(settings: &RelaySettings) -> Self {
        let rates = &settings.rates;
        Self {
            places: Places::default(),
            bans: Bans::new(settings.bans),
            events_of_network: Rates::per_minute(rates.events_per_minute_per_prefix),
            requests_of_network: Rates::per_minute(rates.requests_per_minute_per_prefix),
            events_of_author: Rates::per_minute(rates.events_per_minute_per_key),
            time_of_client: Rates::time_per_minute(rates.query_time_per_minute),
            time_of_network: Rates::time_per_minute(rates.query_time_per_minute_per_prefix),
            clients: AtomicU64::new(0),
        }
    }

    /// Whether somebody there may send one request more beside those of clients.
    pub(super) fn may_request(&self, peer: IpAddr) -> bool {
        let network = AddressBlock::of_network(peer);
        self.requests_of_network.take(network, Instant::now())
    }

    /// Counts an event that was admitted for its author. Not before: anybody can write a name on an
    /// event, and only a signature shows whose it is.
    pub(super) fn admitted(&self, author: PublicKey) {
        self.events_of_author.charge(author, 1.0, Instant::now());
    }

    /// Corrects what a query was expected to take by what it took.
    pub(super) fn settle(&self, payer: Payer, expected: Duration, taken: Duration) {
        let difference = taken.as_secs_f64() - expected.as_secs_f64();
        self.charge(payer, difference);
    }

    fn charge(&self, payer: Payer, seconds: f64) {
        let now = Instant::now();
        self.time_of_client.charge(payer.client, seconds, now);
        self.time_of_network.charge(payer.network, seconds, now);
    }
}

/// One client's allowances.
#[derive(Debug)]
pub(super) struct Manners<'r> {
    crowd: &'r Crowd,
    peer: IpAddr,
    payer: Payer,
    events: Rate,
    requests: Rate,
    offences: Rate,
}

/// Offences a minute of one client up to which it is listened to as fast as any; beyond, as fast as they are forgiven.
/// Bans come long before, where there are any: this is how little it costs to have none.
const OFFENCES_PER_MINUTE: u32 = 300;

/// However many there were, the client is listened to now and then: it may have something better to say.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl<'r> Manners<'r> {
    pub(super) fn new(crowd: &'r Crowd, settings: &RelaySettings, peer: IpAddr) -> Self {
        let (rates, now) = (&settings.rates, Instant::now());
        Self {
            crowd,
            peer,
            payer: Payer {
                client: crowd.clients.fetch_add(1, Ordering::Relaxed),
                network: AddressBlock::of_network(peer),
            },
            events: Rate::per_minute(rates.events_per_minute, now),
            requests: Rate::per_minute(rates.requests_per_minute, now),
            offences: Rate::per_minute(Some(OFFENCES_PER_MINUTE), now),
        }
    }

    /// Whether one event more may be sent, in the name of that author where it is to be published; the refusal
    /// is the text of an `OK`.
    pub(super) fn may_publish(&mut self, author: Option<PublicKey>) -> Result<(), &'static str> {
        let (crowd, now) = (self.crowd, Instant::now());
        if !self.events.take(now) {
            return Err("rate-limited: too many events a minute");
        }
        if !crowd.events_of_network.take(self.payer.network, now) {
            return Err("rate-limited: too many events a minute from your network");
        }
        if author.is_some_and(|author| !crowd.events_of_author.has(author, 1.0, now)) {
            return Err("rate-limited: too many events a minute of that author");
        }
        Ok(())
    }

    /// Whether one request more may be asked; the refusal is the text of a `CLOSED`.
    pub(super) fn may_ask(&mut self) -> Result<(), &'static str> {
        let now = Instant::now();
        if !self.requests.take(now) {
            return Err("rate-limited: too many requests a minute");
        }
        if !self.crowd.requests_of_network.take(self.payer.network, now) {
            return Err("rate-limited: too many requests a minute from your network");
        }
        Ok(())
    }

    /// Whether the answer to these filters is within the time that is left; takes what it is expected to
    /// need.
    pub(super) fn may_take_time(&mut self, filters: &[Filter]) -> Result<(), &'static str> {
        let (crowd, payer, now) = (self.crowd, self.payer, Instant::now());
        let seconds = expected_time(filters).as_secs_f64();
        let has_time = crowd.time_of_client.has(payer.client, seconds, now)
            && crowd.time_of_network.has(payer.network, seconds, now);
        if !has_time {
            return Err("rate-limited: your requests took too much time in the last minute");
        }
        crowd.charge(payer, seconds);
        Ok(())
    }

    /// Who pays for the client's queries.
    pub(super) fn payer(&self) -> Payer {
        self.payer
    }

    /// How long the client is not listened to, for its offences.
    pub(super) fn unheard_for(&mut self) -> Option<Duration> {
        let pause = self.offences.time_until(0.0, Instant::now())?;
        Some(pause.min(LONGEST_PAUSE))
    }

    /// Notes that rules were broken, and says whether the client has to go.
    pub(super) fn offend(&mut self, times: usize) -> bool {
        let now = Instant::now();
        self.offences.charge(times as f64);
        let bans = &self.crowd.bans;
        (0..times).fold(false, |_, _| bans.offend(self.peer, now))
    }
}

impl Drop for Manners<'_> {
    fn drop(&mut self) {
        self.crowd.time_of_client.forget(&self.payer.client);
    }
}
