//! One servable predicate: over random histories, everything that a client can ask agrees with what NIP-01,
//! 09, 40, 42, 62 and 70 say when they are read literally, without what the operator has banned (NIP-86).

use std::collections::BTreeSet;
use std::sync::Arc;

use bigbrotr::archive::{Admission, ArchiveSettings, Door};
use bigbrotr::clock::Clock as _;
use bigbrotr::clock::MockClock;
use bigbrotr::store::events::{Banned, ScanOrder, Scope};
use bigbrotr::store::postgres::PostgresStore;
use nips::nip45::{AuthorSketch, SketchOffset};
use nips::nip86::Call;
use nips::{Event, Filter, PublicKey};
use serde_json::{Value, json};

use super::client::{Client, ids};
use super::management::{decide, managed};
use super::server::{Served, named, serve, serve_store};
use super::syncing::compare;
use crate::archive::given::{crawl, raw};
use crate::contract::events::{Dice, Model, SECONDS, TIME, matches};
use crate::postgres::server::Database;

/// Events of a history.
const LENGTH: usize = 120;
/// Somebody who asks, and listens to everything.
struct Reader {
    client: Client,
    keys: Vec<PublicKey>,
}

#[tokio::test]
async fn all_doors_agree_while_time_passes() {
    for seed in 1..=4 {
        let clock = Arc::new(MockClock::at(TIME));
        let relay = serve(managed(named()), Arc::clone(&clock), clock).await;
        history(&relay, seed, 3).await;
    }
}

#[tokio::test]
async fn all_doors_agree_over_postgres() {
    let database = Database::create().await;
    let store = PostgresStore::open(database.options_as("writer")).await;
    let store = Arc::new(store.unwrap());
    let clock = Arc::new(MockClock::at(TIME));
    let door = ArchiveSettings::default();
    let relay = serve_store(store, managed(named()), door, Arc::clone(&clock), clock).await;
    history(&relay, 5, 1).await;
}

/// Plays a history; each reader asks so many filters on every door after every batch.
async fn history(relay: &Served, seed: u64, filters: usize) {
    let mut dice = Dice::signing(seed);
    let mut readers = readers(relay, &dice).await;
    let events = dice.history(LENGTH);
    let batches = dice.batches(events);
    let step = SECONDS / batches.len() as u64 + 1;
    let mut offered: Vec<Event> = Vec::new();
    let mut banned = Banned::default();
    let mut brought = BTreeSet::new();
    for batch in batches {
        // Authors bring some before they are found elsewhere, and others later.
        for (events, door) in [
            (dice.brought(&batch), Bringer::Author),
            (batch, Bringer::Crawler),
            (dice.brought(&offered), Bringer::Author),
        ] {
            let mut news = events;
            news.retain(|event| match door {
                Bringer::Author => !brought.contains(&event.id()),
                Bringer::Crawler => !offered.contains(event),
            });
            match door {
                Bringer::Author => {
                    news = bring(relay, news).await;
                    brought.extend(news.iter().map(Event::id));
                }
                Bringer::Crawler => _ = relay.archive.admit(raw(&news), crawl(1)).await.unwrap(),
            }
            let fresh = news.iter().filter(|event| !offered.contains(event));
            let fresh: Vec<Event> = fresh.cloned().collect();
            offered.extend(fresh);
            let model = Model::new(&offered, &brought);
            for reader in &mut readers {
                let mut servable = model.servable(&reader.keys, relay.clock.now());
                servable.retain(|event| !is_banned(&banned, event));
                let expected = new_ids(&news, &servable);
                let heard = reader.heard(expected.len()).await;
                assert_eq!(heard, expected, "live, {door:?}, seed {seed}");
            }
        }
        let model = Model::new(&offered, &brought);
        let before = std::mem::replace(&mut banned, dice.banned(&offered));
        ban_instead(relay, before, &banned).await;
        for reader in &mut readers {
            let mut servable = model.servable(&reader.keys, relay.clock.now());
            servable.retain(|event| !is_banned(&banned, event));
            let context = format!("seed {seed}, {} keys", reader.keys.len());
            for _ in 0..filters {
                let filter = unlimited(dice.filter());
                let asked = Asked {
                    filter: &filter,
                    banned: &banned,
                };
                reader
                    .ask_everywhere(relay, asked, &servable, &context)
                    .await;
            }
        }
        relay.clock.advance(step);
    }
}

/// Who brings events.
#[derive(Debug, Clone, Copy)]
enum Bringer {
    Author,
    Crawler,
}

/// Their authors, who have proved to be that, publish protected events. Gives those that were taken.
async fn bring(relay: &Served, events: Vec<Event>) -> Vec<Event> {
    let mut taken = Vec::new();
    for event in events {
        let authenticated = vec![event.pubkey()];
        let door = Door::Client { authenticated };
        let admission = relay.archive.admit_event(event.clone(), door).await;
        if !matches!(admission.unwrap(), Admission::Refused(_)) {
            taken.push(event);
        }
    }
    taken
}

/// The operator takes back what it banned, and bans something else.
async fn ban_instead(relay: &Served, before: Banned, banned: &Banned) {
    for author in before.authors {
        decide(relay, &Call::UnbanPubkey(author)).await;
    }
    for id in before.events {
        decide(relay, &Call::AllowEvent(id)).await;
    }
    for author in &banned.authors {
        decide(relay, &Call::BanPubkey(*author, String::new())).await;
    }
    for id in &banned.events {
        decide(relay, &Call::BanEvent(*id, String::new())).await;
    }
}

fn is_banned(banned: &Banned, event: &Event) -> bool {
    banned.events.contains(&event.id()) || banned.authors.contains(&event.pubkey())
}

/// What is asked on every door, and what the operator keeps from all.
#[derive(Clone, Copy)]
struct Asked<'a> {
    filter: &'a Filter,
    banned: &'a Banned,
}

/// Doors differ in what a limit means to them.
fn unlimited(filter: Filter) -> Filter {
    Filter {
        limit: None,
        ..filter
    }
}

/// A stranger, and people with one key and with two.
async fn readers(relay: &Served, dice: &Dice) -> Vec<Reader> {
    let mut readers = Vec::new();
    for signers in [
        &dice.signers()[..0],
        &dice.signers()[..1],
        &dice.signers()[1..3],
    ] {
        let mut client = relay.client().await;
        client
            .send_question("REQ", "first", &[json!({"kinds": [4]})])
            .await;
        let challenge = client.challenge().await;
        client.closed("first").await;
        for signer in signers {
            client.authenticate_at(signer, &challenge, TIME).await;
        }
        client.ask("live", &[json!({"limit": 0})]).await;
        let keys = signers.iter().map(|signer| signer.pubkey()).collect();
        readers.push(Reader { client, keys });
    }
    readers
}

/// Which events of a batch can be read once it is stored.
fn new_ids(batch: &[Event], servable: &[&Event]) -> BTreeSet<String> {
    let is_new = |event: &&&Event| batch.contains(event);
    ids(servable.iter().filter(is_new).copied())
        .into_iter()
        .collect()
}

impl Reader {
    /// What came live since it was last asked: so many events, however long they take, and what is there beyond.
    async fn heard(&mut self, expected: usize) -> BTreeSet<String> {
        let mut heard = BTreeSet::new();
        let mut is_marked = false;
        loop {
            if heard.len() >= expected && !is_marked {
                let mark = [json!({"ids": []})];
                self.client.send_question("REQ", "mark", &mark).await;
                is_marked = true;
            }
            let frame = self.client.next().await;
            match (frame[0].as_str().unwrap(), frame[1].as_str().unwrap()) {
                ("EVENT", "live") => {
                    let id = frame[2]["id"].as_str().unwrap().to_owned();
                    assert!(heard.insert(id), "twice: {frame}");
                }
                ("EOSE", "mark") => return heard,
                _ => panic!("{frame}"),
            }
        }
    }

    /// Asks for the same on every door.
    async fn ask_everywhere(
        &mut self,
        relay: &Served,
        Asked { filter, banned }: Asked<'_>,
        servable: &[&Event],
        context: &str,
    ) {
        let asked: Value = serde_json::from_str(&filter.to_json()).unwrap();
        let context = format!("{context}, {asked}");
        let expected: Vec<&Event> = servable
            .iter()
            .copied()
            .filter(|event| matches(filter, event))
            .collect();
        let scope = Scope::Servable {
            readers: self.keys.clone(),
            now: relay.clock.now(),
            banned: Arc::new(banned.clone()),
        };
        let walk = relay
            .store
            .scan(filter.clone(), scope, ScanOrder::NewestFirst, None, LENGTH);
        let walked = walk.await.unwrap().events;
        assert_eq!(
            walked.iter().collect::<Vec<_>>(),
            expected,
            "export, {context}"
        );
        if self.is_refused(&asked).await {
            assert!(expected.is_empty(), "refused, {context}");
            return;
        }
        let (shown, _) = self.client.ask("s", std::slice::from_ref(&asked)).await;
        self.client.send(json!(["CLOSE", "s"])).await;
        assert_eq!(shown, ids(expected.iter().copied()), "REQ, {context}");
        let counted = self.client.count(std::slice::from_ref(&asked)).await;
        assert_eq!(counted["count"], expected.len(), "COUNT, {context}");
        if let Some(offset) = SketchOffset::of(filter) {
            let mut authors = AuthorSketch::new(offset);
            expected
                .iter()
                .for_each(|event| authors.add(&event.pubkey()));
            assert_eq!(counted["hll"], authors.to_hex(), "sketch, {context}");
        }
        let (_, synced) = compare(&mut self.client, &asked, &[], 0).await;
        assert_eq!(synced, shown.into_iter().collect(), "NEG, {context}");
    }

    /// Whether the filter asks for other people's secrets; then it is refused on every door.
    async fn is_refused(&mut self, asked: &Value) -> bool {
        let mut is_refused = Vec::new();
        for verb in ["REQ", "COUNT"] {
            self.client
                .send_question(verb, "r", std::slice::from_ref(asked))
                .await;
            let mut frame = self.client.next().await;
            while frame[0] == "EVENT" {
                frame = self.client.next().await;
            }
            is_refused.push(frame[0] == "CLOSED");
        }
        self.client.send(json!(["CLOSE", "r"])).await;
        self.client
            .send(json!(["NEG-OPEN", "r", asked, "6100000200"]))
            .await;
        is_refused.push(self.client.next().await[0] == "NEG-ERR");
        self.client.send(json!(["NEG-CLOSE", "r"])).await;
        assert!(
            is_refused.iter().all(|one| *one == is_refused[0]),
            "{asked} {is_refused:?}"
        );
        is_refused[0]
    }
}
