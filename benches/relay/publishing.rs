//! Publishing: what events cost that clients bring, and how long each waits for its OK, which comes after the commit.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use fleet::events::Author;
use nips::{EventId, Kind};
use tokio::task::JoinSet;

use super::clients::Client;
use super::free_address::free_address;
use super::overload::{authors, ms};
use super::program::Program;

/// Notes, and who brings them.
const NOTES: usize = 100_000;
const CLIENTS: usize = 4;

/// Events of each client that are on their way at a time.
const IN_FLIGHT: usize = 128;

/// A note answers the one so many before it, so that a thread has a few.
const ANSWERS: usize = 200;

/// When the first note was written.
const FIRST_AT: u64 = 1_700_000_000;

/// CPU time of the relay, seconds.
const CPU_BOUND: f64 = 15.0;

/// 99 of 100 events are answered within so long.
const OK_BOUND: Duration = Duration::from_millis(150);

pub(crate) fn measure() {
    let notes = notes();
    let address = free_address();
    let program = Program::start(address, "");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let (cpu_before, since) = (program.cpu_seconds(), Instant::now());
    let mut waited = runtime.block_on(async {
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let own: Vec<Note> = notes
                .iter()
                .skip(client)
                .step_by(CLIENTS)
                .cloned()
                .collect();
            clients.spawn(async move { publish(Client::connect(address).await, own).await });
        }
        clients.join_all().await.concat()
    });
    let seconds = since.elapsed().as_secs_f64();
    let cpu = (program.cpu_seconds() - cpu_before) * 1e5 / NOTES as f64;
    waited.sort_unstable();
    let (median, p99) = (waited[NOTES / 2], waited[NOTES * 99 / 100]);
    let verdict = |is_within| if is_within { "within" } else { "above" };
    println!("{NOTES} notes of {CLIENTS} clients, {IN_FLIGHT} of each on their way");
    println!(
        "  {:.0} a second, {cpu:.1} s of the relay's CPU for 100000, {} the bound of {CPU_BOUND} s",
        NOTES as f64 / seconds,
        verdict(cpu <= CPU_BOUND),
    );
    println!(
        "  OK after {:.1} ms (median), {:.1} ms (99 %), {} the bound of {} ms\n",
        ms(median),
        ms(p99),
        verdict(p99 <= OK_BOUND),
        OK_BOUND.as_millis()
    );
}

/// An event and the message that publishes it.
#[derive(Clone)]
struct Note {
    id: EventId,
    message: String,
}

fn notes() -> Vec<Note> {
    let authors: Vec<Author> = authors().collect();
    let mut notes: Vec<Note> = Vec::with_capacity(NOTES);
    for number in 0..NOTES {
        let author = &authors[number % authors.len()];
        let tags = number.checked_sub(ANSWERS).map(|answered| {
            let whose = authors[answered % authors.len()].pubkey();
            let event = vec!["e".to_owned(), notes[answered].id.to_hex()];
            vec![event, vec!["p".to_owned(), whose.to_hex()]]
        });
        let text = format!("note {number} ").repeat(20);
        let at = FIRST_AT + number as u64;
        let event = author.sign(Kind(1), at, tags.unwrap_or_default(), text);
        notes.push(Note {
            id: event.id(),
            message: format!("[\"EVENT\",{}]", event.to_json()),
        });
    }
    notes
}

/// Publishes all, and tells how long each took.
async fn publish(mut client: Client, notes: Vec<Note>) -> Vec<Duration> {
    let mut waited = Vec::with_capacity(notes.len());
    let mut sent_at = HashMap::new();
    let mut notes = notes.into_iter();
    loop {
        while sent_at.len() < IN_FLIGHT
            && let Some(note) = notes.next()
        {
            sent_at.insert(note.id.to_hex(), Instant::now());
            client.send(note.message).await;
        }
        if sent_at.is_empty() {
            return waited;
        }
        let verdict = client.next().await;
        let id = verdict
            .strip_prefix("[\"OK\",\"")
            .and_then(|rest| rest.split_once("\",true,"));
        let sent = id.and_then(|(id, _)| sent_at.remove(id));
        waited.push(sent.unwrap_or_else(|| panic!("{verdict}")).elapsed());
    }
}
