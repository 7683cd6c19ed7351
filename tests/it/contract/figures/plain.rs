//! The recount: all stored events with their sightings, grouped and counted.

use std::collections::{BTreeMap, BTreeSet};

use bigbrotr::model::RelayId;
use bigbrotr::store::Store;
use bigbrotr::store::events::Scope;
use bigbrotr::store::figures::{
    ArchiveFigures, AuthorFigures, AuthorRelayFigures, DayFigures, KindFigures, NetworkFigures,
    RelayKindFigures,
};
use nips::kind::KindClass;
use nips::{Event, EventId, Kind, Network, PublicKey};

use crate::contract::events::{ask, walk_stored};

/// A small page, so that lists go on.
const PAGE: usize = 3;

/// Events that have something in common.
#[derive(Default)]
struct Group {
    ids: BTreeSet<EventId>,
    authors: BTreeSet<PublicKey>,
    kinds: BTreeSet<Kind>,
    seconds: BTreeSet<u64>,
}

impl Group {
    fn add(&mut self, event: &Event) {
        self.ids.insert(event.id());
        self.authors.insert(event.pubkey());
        self.kinds.insert(event.kind());
        self.seconds.insert(event.created_at());
    }

    fn events(&self) -> u64 {
        self.ids.len() as u64
    }

    fn authors(&self) -> u64 {
        self.authors.len() as u64
    }

    fn kinds(&self) -> u64 {
        self.kinds.len() as u64
    }

    fn first(&self) -> Option<u64> {
        self.seconds.first().copied()
    }

    fn last(&self) -> Option<u64> {
        self.seconds.last().copied()
    }
}

/// Everything that is stored, grouped.
#[derive(Default)]
struct Recount {
    events: Vec<Event>,
    kinds: BTreeMap<Kind, Group>,
    days: BTreeMap<u32, Group>,
    authors: BTreeMap<PublicKey, Group>,
    relays: BTreeMap<RelayId, Group>,
    relay_kinds: BTreeMap<(RelayId, Kind), Group>,
    author_relays: BTreeMap<(PublicKey, RelayId), Group>,
    networks: BTreeMap<&'static str, (Option<Network>, u64, Group)>,
}

impl Recount {
    async fn of(store: &dyn Store) -> Self {
        let mut all = Self::default();
        let mut network_of = BTreeMap::new();
        for relay in store.relays_after(None, 1_000).await.unwrap() {
            let network = relay.url.network();
            network_of.insert(relay.id, network);
            let counted = all.networks.entry(network.as_str()).or_default();
            counted.0 = Some(network);
            counted.1 += 1;
            all.relays.entry(relay.id).or_default();
        }
        for event in walk_stored(store).await {
            let (kind, author) = (event.kind(), event.pubkey());
            let day = u32::try_from(event.created_at() / 86_400).unwrap();
            all.kinds.entry(kind).or_default().add(&event);
            all.days.entry(day).or_default().add(&event);
            all.authors.entry(author).or_default().add(&event);
            for seen in store.sightings(event.id()).await.unwrap() {
                let relay = seen.relay;
                all.relays.entry(relay).or_default().add(&event);
                all.relay_kinds
                    .entry((relay, kind))
                    .or_default()
                    .add(&event);
                all.author_relays
                    .entry((author, relay))
                    .or_default()
                    .add(&event);
                if let Some(network) = network_of.get(&relay) {
                    let counted = all.networks.entry(network.as_str()).or_default();
                    counted.2.add(&event);
                }
            }
            all.events.push(event);
        }
        all
    }

    fn within(&self, seconds: u64, now: u64) -> u64 {
        let is_within = |event: &&Event| (now + 1 - seconds..=now).contains(&event.created_at());
        self.events.iter().filter(is_within).count() as u64
    }
}

/// Compares every figure with the recount.
pub(super) async fn assert_figures_are_right(store: &dyn Store) {
    let all = Recount::of(store).await;
    assert_archive(store, &all).await;
    assert_kinds_and_days(store, &all).await;
    assert_authors(store, &all).await;
    assert_relays(store, &all).await;
    assert_replaceables(store).await;
}

async fn assert_archive(store: &dyn Store, all: &Recount) {
    let second = all
        .events
        .get(all.events.len() / 2)
        .map_or(0, Event::created_at);
    for now in [
        second.max(3_000_000),
        second + 3_599,
        second + 40 * 86_400,
        1_700_000_020,
    ] {
        let expected = ArchiveFigures {
            events: all.events.len() as u64,
            authors: all.authors.len() as u64,
            kinds: all.kinds.len() as u64,
            first_created_at: all.events.last().map(Event::created_at),
            last_created_at: all.events.first().map(Event::created_at),
            last_hour: all.within(3_600, now),
            last_day: all.within(86_400, now),
            last_week: all.within(7 * 86_400, now),
            last_month: all.within(30 * 86_400, now),
        };
        assert_eq!(store.archive_figures(now).await.unwrap(), expected, "{now}");
    }
}

async fn assert_kinds_and_days(store: &dyn Store, all: &Recount) {
    let kinds = all.kinds.iter().map(|(kind, group)| KindFigures {
        kind: *kind,
        events: group.events(),
        authors: group.authors(),
    });
    assert_eq!(
        store.kind_figures().await.unwrap(),
        kinds.collect::<Vec<_>>()
    );
    let days = all.days.iter().map(|(day, group)| DayFigures {
        day: *day,
        events: group.events(),
        authors: group.authors(),
        kinds: group.kinds(),
    });
    let mut found = store.day_figures(None, 1).await.unwrap();
    if let Some(first) = found.first().copied() {
        found.extend(store.day_figures(Some(first.day), 1_000).await.unwrap());
    }
    assert_eq!(found, days.collect::<Vec<_>>());
}

async fn assert_authors(store: &dyn Store, all: &Recount) {
    let figures = |(pubkey, group): (&PublicKey, &Group)| AuthorFigures {
        pubkey: *pubkey,
        events: group.events(),
        kinds: group.kinds(),
        first_created_at: group.first().unwrap(),
        last_created_at: group.last().unwrap(),
    };
    let mut expected: Vec<AuthorFigures> = all.authors.iter().map(figures).collect();
    let mut found: Vec<AuthorFigures> = Vec::new();
    loop {
        let after = found.last().map(|author| author.pubkey);
        let page = store.authors_after(after, PAGE).await.unwrap();
        let is_last = page.len() < PAGE;
        found.extend(page);
        if is_last {
            break;
        }
    }
    assert_eq!(found, expected);
    for author in &expected {
        let found = store.author_figures(author.pubkey).await.unwrap();
        assert_eq!(found.as_ref(), Some(author));
        assert_author_on_relays(store, all, author.pubkey).await;
    }
    let nobody = PublicKey([0xee; 32]);
    assert_eq!(store.author_figures(nobody).await.unwrap(), None);
    let nowhere = store.author_relay_figures(nobody, None, 10).await.unwrap();
    assert!(nowhere.is_empty());
    expected.sort_by_key(|author| (std::cmp::Reverse(author.events), author.pubkey));
    expected.truncate(4);
    assert_eq!(store.top_authors(4).await.unwrap(), expected);
}

async fn assert_author_on_relays(store: &dyn Store, all: &Recount, author: PublicKey) {
    let of_author = all
        .author_relays
        .iter()
        .filter(|((of, _), _)| *of == author);
    let expected = of_author.map(|((_, relay), group)| AuthorRelayFigures {
        relay: *relay,
        events: group.events(),
        kinds: group.kinds(),
        first_created_at: group.first().unwrap(),
        last_created_at: group.last().unwrap(),
    });
    let mut found = store.author_relay_figures(author, None, 1).await.unwrap();
    if let Some(first) = found.first().copied() {
        let rest = store.author_relay_figures(author, Some(first.relay), 100);
        found.extend(rest.await.unwrap());
    }
    assert_eq!(found, expected.collect::<Vec<_>>());
}

async fn assert_authors_seen_on(store: &dyn Store, all: &Recount, relay: RelayId) {
    let found = store.authors_seen_on(relay, 1_000).await.unwrap();
    let distinct: BTreeSet<PublicKey> = found.iter().copied().collect();
    assert_eq!(distinct, all.relays[&relay].authors);
    assert_eq!(found.len(), distinct.len());
    let last = |author: &PublicKey| all.author_relays[&(*author, relay)].last();
    assert!(found.iter().rev().is_sorted_by_key(last));
    let few = store.authors_seen_on(relay, PAGE).await.unwrap();
    assert_eq!(few.len(), found.len().min(PAGE));
    assert!(few.iter().map(last).eq(found.iter().take(PAGE).map(last)));
}

async fn assert_relays(store: &dyn Store, all: &Recount) {
    let mut found = store.relay_figures(None, PAGE).await.unwrap();
    if let Some(last) = found.last() {
        let rest = store.relay_figures(Some(last.relay), 1_000).await.unwrap();
        found.extend(rest);
    }
    let listed = store.relays_after(None, 1_000).await.unwrap();
    assert_eq!(found.len(), listed.len());
    for (one, relay) in found.iter().zip(listed) {
        let group = &all.relays[&relay.id];
        let counted = (one.relay, one.network, one.events, one.authors, one.kinds);
        let expected = (group.events(), group.authors(), group.kinds());
        assert_eq!(
            counted,
            (
                relay.id,
                relay.url.network(),
                expected.0,
                expected.1,
                expected.2
            )
        );
        let span = (one.first_created_at, one.last_created_at);
        assert_eq!(span, (group.first(), group.last()));
        assert_authors_seen_on(store, all, relay.id).await;
    }
    let kinds = all
        .relay_kinds
        .iter()
        .map(|((relay, kind), group)| RelayKindFigures {
            relay: *relay,
            kind: *kind,
            events: group.events(),
            authors: group.authors(),
        });
    let mut found = store.relay_kind_figures(None, PAGE).await.unwrap();
    if let Some(last) = found.last().copied() {
        let rest = store.relay_kind_figures(Some((last.relay, last.kind)), 1_000);
        found.extend(rest.await.unwrap());
    }
    assert_eq!(found, kinds.collect::<Vec<_>>());
    let networks = all
        .networks
        .values()
        .map(|(network, relays, group)| NetworkFigures {
            network: network.unwrap(),
            relays: *relays,
            events: group.events(),
            authors: group.authors(),
            kinds: group.kinds(),
        });
    assert_eq!(
        store.network_figures().await.unwrap(),
        networks.collect::<Vec<_>>()
    );
}

/// What readers see of replaceable kinds is what counts, but for what its author protects from being shown.
async fn assert_replaceables(store: &dyn Store) {
    let mut found = store.current_replaceables(None, 2).await.unwrap();
    if let Some(last) = found.last().copied() {
        let rest = store.current_replaceables(Some((last.pubkey, last.kind)), 1_000);
        found.extend(rest.await.unwrap());
    }
    let keys: Vec<_> = found.iter().map(|one| (one.pubkey, one.kind)).collect();
    assert!(keys.is_sorted() && keys.windows(2).all(|two| two[0] != two[1]));
    let stored = walk_stored(store).await;
    let event = |id: EventId| stored.iter().find(|event| event.id() == id).unwrap();
    let is_protected = |event: &Event| nips::nip70::is_protected(&event.as_ref().tags());
    let held = found.iter().filter(|one| !is_protected(event(one.id)));
    let mut held: Vec<_> = held.map(|one| (one.pubkey, one.kind, one.id)).collect();
    let seen = ask(store, &["{}"], Scope::public(u64::from(u32::MAX))).await;
    let is_replaceable = |event: &&Event| event.kind().class() == KindClass::Replaceable;
    let seen = seen.events.iter().filter(is_replaceable);
    let mut seen: Vec<_> = seen
        .map(|event| (event.pubkey(), event.kind(), event.id()))
        .collect();
    held.sort();
    seen.sort();
    assert_eq!(held, seen);
    for one in &found {
        let event = event(one.id);
        let stored = (event.pubkey(), event.kind(), event.created_at());
        assert_eq!((one.pubkey, one.kind, one.created_at), stored);
    }
}
