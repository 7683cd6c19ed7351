//! Clients that want too much, against the built program: its memory stays within a bound, and others are
//! answered meanwhile.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use nips::Kind;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::client::Client;
use crate::archive::given::{NOW, author};
use crate::cli::operator::Operator;
use crate::program::Program;

/// How long somebody else may have to wait on a busy machine, with a program that was not optimised.
const PATIENCE: Duration = Duration::from_secs(5);

const MB: u64 = 1_024;

struct Loaded {
    program: Program,
    address: SocketAddr,
    memory_before_kb: u64,
    _operator: Operator,
}

impl Loaded {
    /// A relay that lets one address do what it likes, and no more.
    async fn start(limits: &str) -> Self {
        let operator = Operator::offline();
        operator.write_relay(&format!("limits: {limits}\n"));
        let policy = "bans: {enabled: false}\nrates: {max_connections_per_address: 1000, \
                      requests_per_minute: 100000, query_time_per_minute: 1000}\n";
        operator.write("relay-config/policy.yaml", policy);
        let mut program = operator.start(&["relay"]);
        program.address("relay");
        let address = operator.public_address();
        Client::connect(address).await.expect_silence().await;
        Self {
            memory_before_kb: program.memory_kb(),
            program,
            address,
            _operator: operator,
        }
    }

    fn grown_kb(&self) -> u64 {
        self.program
            .memory_kb()
            .saturating_sub(self.memory_before_kb)
    }

    /// Asks as somebody who has nothing to do with it until `load` is over, and gives the most memory seen.
    async fn beside(&self, load: impl Future<Output = ()>) -> u64 {
        let mut bystander = Client::connect(self.address).await;
        let mut most = 0;
        tokio::pin!(load);
        loop {
            tokio::select! {
                () = &mut load => return most.max(self.grown_kb()),
                () = look_up(&mut bystander) => most = most.max(self.grown_kb()),
            }
        }
    }
}

/// One id, which has to be answered soon.
async fn look_up(client: &mut Client) {
    let since = Instant::now();
    client.ask("s", &[json!({"ids": ["a".repeat(64)]})]).await;
    let waited = since.elapsed();
    assert!(waited < PATIENCE, "{waited:?} for one id");
    tokio::time::sleep(Duration::from_millis(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_malformed_frames_costs_next_to_nothing() {
    let loaded = Loaded::start("{}").await;
    let address = loaded.address;
    let flood = async {
        let mut floods = JoinSet::new();
        for _ in 0..4 {
            floods.spawn(async move {
                let mut client = Client::connect(address).await;
                let nested = "[".repeat(10_000);
                let frames = [
                    "",
                    "{",
                    "[[]]",
                    "[\"REQ\"]",
                    "[\"EVENT\",{\"id\":1}]",
                    &nested,
                ];
                // Six more offences a round, as many as are put up with before a client is heard less often.
                for _ in 0..50 {
                    for frame in frames {
                        client.send_text(frame).await;
                    }
                    for _ in frames {
                        assert_eq!(client.next().await[0], "NOTICE");
                    }
                }
            });
        }
        floods.join_all().await;
    };
    let grown = loaded.beside(flood).await;
    assert!(grown < 24 * MB, "{grown} kB more");
    assert!(loaded.program.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_stop_reading_share_a_bounded_amount() {
    let loaded = Loaded::start("{max_answer_memory: 8388608}").await;
    let address = loaded.address;
    let mut writer = Client::connect(address).await;
    for back in 0..80 {
        let text = "x".repeat(100_000);
        let event = author(1).sign(Kind(1), NOW - back, Vec::new(), text);
        assert!(writer.publish(&event).await.0);
    }
    let deafness = async {
        let mut deaf = Vec::new();
        for _ in 0..40 {
            let mut client = Client::connect(address).await;
            for id in ["1", "2", "3"] {
                client.send(json!(["REQ", id, {"kinds": [1]}])).await;
            }
            deaf.push(client);
        }
        // Each of them would like 24 MB.
        let mut late = Client::connect(address).await;
        let deadline = Instant::now() + Duration::from_secs(20);
        while is_answered(&mut late).await {
            assert!(Instant::now() < deadline, "there is always room");
        }
        // Who does not read gives way to who does.
        while !is_answered(&mut late).await {
            assert!(Instant::now() < deadline, "there is never room again");
        }
    };
    let grown = Box::pin(loaded.beside(deafness)).await;
    assert!(
        grown < 400 * MB,
        "{grown} kB more, of 960,000 that were asked for"
    );
    assert!(loaded.program.stop().success());
}

async fn is_answered(client: &mut Client) -> bool {
    client
        .send(json!(["REQ", "s", {"kinds": [1], "limit": 1}]))
        .await;
    loop {
        let frame: Value = client.next().await;
        match frame[0].as_str().unwrap() {
            "EVENT" => {}
            word => return word == "EOSE",
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bomb_of_filters_is_worked_off_beside_everything_else() {
    let loaded = Loaded::start("{max_message_length: 2097152}").await;
    let address = loaded.address;
    let authors: Vec<String> = (0..1_000).map(|number| format!("{number:064x}")).collect();
    let mut bomb = vec![json!("REQ"), json!("bomb")];
    bomb.extend(vec![json!({"authors": authors}); 20]);
    let bomb = Value::Array(bomb).to_string();
    let bombs = async {
        let mut bombers = JoinSet::new();
        for _ in 0..3 {
            let bomb = bomb.clone();
            bombers.spawn(async move {
                let mut client = Client::connect(address).await;
                for _ in 0..5 {
                    client.send_text(&bomb).await;
                    // On a machine that has other things to do, it may not be worked off in time.
                    let answer = client.next().await;
                    let is_cut = answer[2] == "error: the answer took too long";
                    let is_answer = answer[1] == "bomb" && (answer[0] == "EOSE" || is_cut);
                    assert!(is_answer, "{answer}");
                }
            });
        }
        bombers.join_all().await;
    };
    let grown = loaded.beside(bombs).await;
    assert!(grown < 160 * MB, "{grown} kB more");
    assert!(loaded.program.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_clients_cost_little_each() {
    const CLIENTS: u64 = 400;
    let loaded = Loaded::start("{}").await;
    let mut idle = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = Client::connect(loaded.address).await;
        client.ask("s", &[json!({"kinds": [1]})]).await;
        idle.push(client);
    }
    let each = loaded.grown_kb() / CLIENTS;
    // Three times what `cargo bench --bench relay` allows the optimised program.
    assert!(each <= 48, "{each} kB for each idle client");
    for client in &mut idle {
        client.expect_silence().await;
    }
    assert!(loaded.program.stop().success());
}
