//! How long one client waits for an event by its id while others want too much.
//!
//! The client that is measured stands for one on another machine: it gets a core whenever it wants one, where that is allowed.
//! Otherwise half of what it waits for is its own turn, and not the relay.

use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use fleet::events::Author;
use nips::{EventId, Kind};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::clients::Client;
use super::free_address::free_address;
use super::loads::Load;
use super::program::Program;

const SEED: u64 = 1;

/// Notes of the archive, and how many authors they have.
const NOTES: usize = 20_000;
const AUTHORS: usize = 1_000;

/// When the notes were written: the first of them, one a second.
const FIRST_AT: u64 = 1_700_000_000;

/// Events that are on their way to the relay at a time.
const IN_FLIGHT: usize = 500;

/// A look-up begins so long after the last one was answered, so that it is the relay that is measured, and not how fast a
/// client can be.
const PAUSE: Duration = Duration::from_millis(2);

/// How long a load goes on before anything is measured.
const WARM_UP: Duration = Duration::from_secs(1);

/// 99 of 100 look-ups may take so many times what they take in an idle relay.
const BOUND: f64 = 2.0;

/// A request bomb of 20 filters and 1,000 authors has more than a megabyte.
const LIMITS: &str = "limits: {max_message_length: 4194304}\n";

/// The authors of the archive.
pub(crate) fn authors() -> impl Iterator<Item = Author> {
    let mut rng = StdRng::seed_from_u64(SEED);
    (0..AUTHORS).map(move |_| Author::random(&mut rng))
}

/// How long look-ups took, in order.
struct LookUps {
    times: Vec<Duration>,
    refused: usize,
}

impl LookUps {
    fn percentile(&self, percent: usize) -> Duration {
        self.times[(self.times.len() - 1) * percent / 100]
    }
}

pub(crate) fn measure(seconds: usize) {
    let address = free_address();
    let program = Program::start(address, LIMITS);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let ids = runtime.block_on(publish(address));
    drop(runtime);
    let patience = Duration::from_secs(seconds as u64);
    println!("one id of {NOTES}, asked for by one client");
    println!(
        "{:>14}  {:>8}  {:>8}  {:>9}  {:>9}  {:>9}  {:>7}  {:>10}",
        "beside", "asked", "refused", "median ms", "99 % ms", "most ms", "ratio", "relay CPUs"
    );
    let mut idle_p99 = None;
    let mut worst: f64 = 0.0;
    for load in [None].into_iter().chain(Load::ALL.map(Some)) {
        let _running = load.map(|load| load.start(address));
        std::thread::sleep(WARM_UP);
        let (cpu_before, since) = (program.cpu_seconds(), Instant::now());
        let found = on_a_machine_of_its_own(|| look_up(address, &ids, patience));
        let cpus = (program.cpu_seconds() - cpu_before) / since.elapsed().as_secs_f64();
        let p99 = ms(found.percentile(99));
        let ratio = p99 / *idle_p99.get_or_insert(p99);
        worst = worst.max(ratio);
        println!(
            "{:>14}  {:>8}  {:>8}  {:>9.2}  {:>9.2}  {:>9.2}  {:>7.2}  {:>10.2}",
            load.map_or("nobody", Load::as_str),
            found.times.len(),
            found.refused,
            ms(found.percentile(50)),
            p99,
            ms(found.percentile(100)),
            ratio,
            cpus,
        );
    }
    let verdict = if worst <= BOUND { "within" } else { "above" };
    println!("\n{worst:.1} times the idle 99 % at worst, {verdict} the bound of {BOUND}\n");
}

pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Fills the archive, and gives the ids of what is in it.
async fn publish(address: SocketAddr) -> Vec<EventId> {
    let authors: Vec<Author> = authors().collect();
    let mut client = Client::connect(address).await;
    let mut ids = Vec::with_capacity(NOTES);
    for begin in (0..NOTES).step_by(IN_FLIGHT) {
        let numbers = begin..(begin + IN_FLIGHT).min(NOTES);
        for number in numbers.clone() {
            let author = &authors[number % AUTHORS];
            let text = format!("note {number} ").repeat(20);
            let at = FIRST_AT + number as u64;
            let event = author.sign(Kind(1), at, Vec::new(), text);
            ids.push(event.id());
            client
                .send(format!("[\"EVENT\",{}]", event.to_json()))
                .await;
        }
        for _ in numbers {
            let verdict = client.next().await;
            assert!(verdict.contains(",true,"), "{verdict}");
        }
    }
    ids
}

/// Does the work on one thread that nobody else keeps waiting.
fn on_a_machine_of_its_own<T: Send, F: Future<Output = T>>(work: impl FnOnce() -> F + Send) -> T {
    let on_its_thread = || {
        if !take_precedence() {
            println!(
                "the client that is measured has to wait for its turn: precedence is not allowed"
            );
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime starts").block_on(work())
    };
    let done = std::thread::scope(|scope| scope.spawn(on_its_thread).join());
    done.expect("look-ups succeed")
}

/// Gives the calling thread precedence over all ordinary ones. Returns whether that is allowed.
#[expect(unsafe_code, reason = "a system call that no library wraps")]
fn take_precedence() -> bool {
    let lowest = libc::sched_param { sched_priority: 1 };
    // SAFETY: it reads one struct, which outlives the call.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_RR, &raw const lowest) == 0 }
}

/// Looks up one event after the other.
async fn look_up(address: SocketAddr, ids: &[EventId], patience: Duration) -> LookUps {
    let mut client = Client::connect(address).await;
    let deadline = Instant::now() + patience;
    let mut found = LookUps {
        times: Vec::new(),
        refused: 0,
    };
    // A step that has no factor in common with their number goes through all of them.
    let mut asked = ids.iter().cycle().step_by(7_919);
    while Instant::now() < deadline {
        let id = asked.next().expect("there are ids without end");
        let request = format!("[\"REQ\",\"one\",{{\"ids\":[\"{id}\"]}}]");
        let since = Instant::now();
        client.send(request).await;
        let first = client.next().await;
        if first.starts_with("[\"CLOSED\"") {
            found.refused += 1;
        } else {
            assert!(first.contains(&id.to_hex()), "{first}");
            assert!(client.next().await.starts_with("[\"EOSE\""));
            found.times.push(since.elapsed());
        }
        tokio::time::sleep(PAUSE).await;
    }
    found.times.sort_unstable();
    found
}
