//! Live delivery: how long after it was sent an event is with those who follow its author, and how many deliveries there
//! can be.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use fleet::events::Author;
use nips::Kind;
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::interval;

use super::clients::Client;
use super::free_address::free_address;
use super::overload::{authors, ms};
use super::program::Program;

/// Clients, and subscriptions of each.
const CLIENTS: usize = 100;
const SUBSCRIPTIONS: usize = 10;

/// Authors that a subscription follows. There are as many authors as subscriptions, and each has as many followers.
const FOLLOWED: usize = 50;

/// Events that are sent one after the other, and the pause between two: 200 a second.
const PACED: usize = 1_000;
const PAUSE: Duration = Duration::from_millis(5);

/// Events that are sent as fast as they are taken, and how many at a time.
const SATURATED: usize = 3_000;
const IN_FLIGHT: usize = 64;

/// When the first event was written.
const FIRST_AT: u64 = 1_700_000_000;

/// 99 of 100 events, sent at that pace, are delivered within so long.
const BOUND: Duration = Duration::from_millis(10);

pub(crate) fn measure() {
    let address = free_address();
    let program = Program::start(address, "");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        let mut audience = Audience::subscribe(address).await;
        let mut writer = Client::connect(address).await;
        paced(&mut writer, &mut audience).await;
        saturated(&mut writer, &mut audience, &program).await;
    });
}

/// What came, and when: the number of the event.
struct Delivered(usize, Instant);

/// All followers.
struct Audience {
    delivered: UnboundedReceiver<Delivered>,
    _clients: JoinSet<()>,
}

impl Audience {
    async fn subscribe(address: SocketAddr) -> Self {
        let authors: Vec<String> = authors().map(|author| author.pubkey().to_hex()).collect();
        let (sender, delivered) = unbounded_channel();
        let mut clients = JoinSet::new();
        for first in (0..CLIENTS * SUBSCRIPTIONS).step_by(SUBSCRIPTIONS) {
            let mut client = Client::connect(address).await;
            for subscription in first..first + SUBSCRIPTIONS {
                let followed = authors.iter().cycle().skip(subscription).take(FOLLOWED);
                let followed: Vec<&String> = followed.collect();
                let filter = json!({"authors": followed, "kinds": [1], "limit": 0});
                let request = json!(["REQ", subscription.to_string(), filter]);
                client.send(request.to_string()).await;
                assert!(client.next().await.starts_with("[\"EOSE\""));
            }
            clients.spawn(listen(client, sender.clone()));
        }
        Self {
            delivered,
            _clients: clients,
        }
    }

    /// Waits until events have come to all who follow their authors; gives what came.
    async fn hear(&mut self, events: usize) -> Vec<Delivered> {
        let mut delivered = Vec::with_capacity(events * FOLLOWED);
        while delivered.len() < events * FOLLOWED {
            delivered.extend(self.delivered.recv().await);
        }
        delivered
    }
}

async fn listen(mut client: Client, sender: UnboundedSender<Delivered>) {
    loop {
        let frame = client.next().await;
        let number = frame.split("note ").nth(1).and_then(|rest| {
            let end = rest.find('"')?;
            rest[..end].parse().ok()
        });
        let number = number.expect("only our own events are delivered");
        if sender.send(Delivered(number, Instant::now())).is_err() {
            return;
        }
    }
}

/// Messages that publish events of those numbers.
fn messages(numbers: std::ops::Range<usize>) -> Vec<String> {
    let authors: Vec<Author> = authors().collect();
    let message = |number: usize| {
        let author = &authors[number % authors.len()];
        let (at, text) = (FIRST_AT + number as u64, format!("note {number}"));
        let event = author.sign(Kind(1), at, Vec::new(), text);
        format!("[\"EVENT\",{}]", event.to_json())
    };
    numbers.map(message).collect()
}

async fn accepted(writer: &mut Client) {
    let verdict = writer.next().await;
    assert!(verdict.contains(",true,"), "{verdict}");
}

async fn paced(writer: &mut Client, audience: &mut Audience) {
    let mut ticks = interval(PAUSE);
    let mut sent_at = Vec::with_capacity(PACED);
    for message in messages(0..PACED) {
        ticks.tick().await;
        sent_at.push(Instant::now());
        writer.send(message).await;
        accepted(writer).await;
    }
    let delivered = audience.hear(PACED).await.into_iter();
    let mut times: Vec<Duration> = delivered
        .map(|Delivered(number, at)| at - sent_at[number])
        .collect();
    times.sort_unstable();
    let (median, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    let verdict = if p99 <= BOUND { "within" } else { "above" };
    let subscriptions = CLIENTS * SUBSCRIPTIONS;
    println!("200 events a second, {FOLLOWED} of {subscriptions} subscriptions want each");
    println!(
        "  delivered within {:.2} ms (median), {:.2} ms (99 %), {verdict} the bound of {} ms",
        ms(median),
        ms(p99),
        BOUND.as_millis()
    );
}

async fn saturated(writer: &mut Client, audience: &mut Audience, program: &Program) {
    let mut messages = messages(PACED..PACED + SATURATED).into_iter();
    let (cpu_before, since) = (program.cpu_seconds(), Instant::now());
    for message in messages.by_ref().take(IN_FLIGHT) {
        writer.send(message).await;
    }
    for _ in 0..SATURATED {
        accepted(writer).await;
        if let Some(message) = messages.next() {
            writer.send(message).await;
        }
    }
    let delivered = audience.hear(SATURATED).await.len() as f64;
    let seconds = since.elapsed().as_secs_f64();
    let cpu = program.cpu_seconds() - cpu_before;
    println!(
        "as fast as they are taken\n  {:.0} deliveries a second, {:.1} µs of the relay's CPU each, its events included\n",
        delivered / seconds,
        cpu * 1e6 / delivered
    );
}
