//! What the monitor says in public, as a reader of the archive sees it.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use bigbrotr::archive::Door;
use bigbrotr::config::{
    AnnouncementConfig, ChecksIncluded, DiscoveryConfig, MonitorConfig, ProfileConfig,
    RelayListConfig,
};
use bigbrotr::lifecycle::Tokens;
use bigbrotr::model::RelayState;
use bigbrotr::services::Service;
use bigbrotr::store::events::{QueryBounds, Scope};
use fleet::{FleetPlan, MemberPlan, scenarios};
use nips::nip65::{RelayListEntry, RelayUsage, relay_list};
use nips::nip66::{Check, MonitorAnnouncement, discovery_identifier};
use nips::{Event, Filter, Kind, LocalRelays, Network, RelayUrl};
use nostr_sdk::JsonUtil;

use crate::archive::given::author;

use super::super::given::{DAY, Given, HOUR, NOW, WHOLE_NETWORK, cycle, plan_of};
use super::{
    OWN_RELAY, discoveries, discovery, document, look, look_with, monitor, monitor_with, relay,
    signer, writing,
};

/// What is published about the monitor itself.
const ABOUT_US: [Kind; 3] = [Kind::MONITOR_ANNOUNCEMENT, Kind::METADATA, Kind::RELAY_LIST];

/// By somebody else's implementation, and by our monitor.
fn assert_signed_by_us(given: &Given, event: &Event) {
    let theirs = nostr_sdk::Event::from_json(event.to_json()).unwrap();
    theirs.verify().unwrap();
    assert_eq!(event.pubkey(), signer(&given.context).public_key());
}

#[tokio::test]
async fn exactly_the_relays_that_answered_are_published() {
    let plan = FleetPlan {
        members: scenarios(),
        ..FleetPlan::new(5).events(200)
    };
    let given = Given::within(WHOLE_NETWORK, plan).await;
    look(&given).await;
    let expected = given.fleet.promotable_urls();
    let published = discoveries(&given).await;
    let urls: BTreeSet<String> = published
        .iter()
        .map(|(_, discovery)| discovery.url.to_string())
        .collect();
    assert_eq!(urls, expected);
    assert_eq!(published.len(), expected.len());
    for (event, discovery) in &published {
        assert_signed_by_us(&given, event);
        assert_eq!(event.created_at(), NOW);
        let identifier = discovery_identifier(&discovery.url);
        assert_eq!(event.as_ref().first_tag("d").as_deref(), Some(&*identifier));
        assert_eq!(discovery.network, Some(discovery.url.network()));
        assert!(discovery.rtt.is_open(), "{}", discovery.url);
    }
    for member in given.fleet.members() {
        let is_online = relay(&given, member).await.state == RelayState::Online;
        assert_eq!(is_online, member.is_promotable(), "{}", member.name());
        assert_eq!(
            member.is_promotable(),
            expected.contains(member.url().as_str())
        );
    }
    assert_eq!(given.fleet.canary().visits(), 0);
}

#[tokio::test]
async fn an_event_says_what_was_found() {
    let given = Given::of(MemberPlan::healthy()).await;
    look(&given).await;
    let member = given.member();
    let discovery = discovery(&given, member).await.unwrap();
    assert_eq!(discovery.network, Some(Network::Local));
    assert_eq!(discovery.nips, [1, 9, 11, 40, 45, 77]);
    assert_eq!(discovery.topics, ["laboratory"]);
    assert_eq!(discovery.requirements.auth, Some(false));
    let stored = document(&given, member).await.unwrap();
    let published = discovery.information.unwrap();
    assert_eq!(published.to_json(), stored.metadata.data());
    // A reader asks by the address as NIP-66 writes it.
    let filter = Filter {
        kinds: Some(vec![Kind::RELAY_DISCOVERY]),
        authors: Some(vec![signer(&given.context).public_key()]),
        ..Filter::from_json(&format!(r##"{{"#d":["{}/"]}}"##, member.url())).unwrap()
    };
    let page = given
        .store()
        .query(vec![filter], Scope::public(NOW), QueryBounds::default());
    assert_eq!(page.await.unwrap().events.len(), 1);
}

#[tokio::test]
async fn kinds_that_several_authors_have_on_a_relay_are_said_to_be_taken() {
    let given = Given::start(plan_of([MemberPlan::healthy(), MemberPlan::healthy()])).await;
    given.trust_all().await;
    let [one, other] = given.fleet.members() else {
        panic!("two members");
    };
    let seen = |kind, authors: RangeInclusive<u64>| {
        authors.map(move |number| author(number).sign(Kind(kind), NOW - HOUR, Vec::new(), "x"))
    };
    for (member, events) in [
        (
            one,
            [seen(1, 1..=3), seen(30_000, 1..=2), seen(39_000, 1..=1)],
        ),
        (other, [seen(7, 1..=2), seen(1, 4..=4), seen(6, 4..=4)]),
    ] {
        let door = Door::Import(Some(relay(&given, member).await.id));
        let events: Vec<Event> = events.into_iter().flatten().collect();
        let archive = &given.context.archive;
        archive.admit_events(events, door).await.unwrap();
    }
    given.store().fold_statistics(1_000).await.unwrap();
    look(&given).await;
    for (member, kinds) in [(one, vec![1, 30_000]), (other, vec![7])] {
        let discovery = discovery(&given, member).await.unwrap();
        assert_eq!(discovery.accepted_kinds, kinds);
        assert!(discovery.refused_kinds.is_empty());
    }
}

#[tokio::test]
async fn what_is_not_to_be_published_is_not() {
    let given = Given::of(MemberPlan::healthy()).await;
    let discovery_of = |enabled| DiscoveryConfig {
        enabled,
        include: ChecksIncluded::NONE,
        ..DiscoveryConfig::default()
    };
    let config = |enabled| MonitorConfig {
        discovery: discovery_of(enabled),
        ..MonitorConfig::default()
    };
    look_with(&given, config(false)).await;
    assert_eq!(discoveries(&given).await, []);
    given.clock.advance(HOUR);
    cycle(&monitor_with(&given.context, config(true))).await;
    let published = discovery(&given, given.member()).await.unwrap();
    assert_eq!(published.information, None);
    assert!(published.nips.is_empty());
    assert!(!published.rtt.is_open());
    assert!(
        document(&given, given.member()).await.is_some(),
        "stored all the same"
    );
}

#[tokio::test]
async fn the_monitor_says_what_it_does_and_who_it_is() {
    let given = Given::start(plan_of([])).await;
    let config = MonitorConfig {
        profile: ProfileConfig {
            name: Some("Laboratory".to_owned()),
            website: Some("https://lab.nostr-lab.net".to_owned()),
            picture: Some(String::new()),
            ..ProfileConfig::default()
        },
        announcement: AnnouncementConfig {
            geohash: Some("u33d".to_owned()),
            ..AnnouncementConfig::default()
        },
        ..writing()
    };
    cycle(&monitor_with(&given.context, config)).await;
    let announcements = given.servable(&[Kind::MONITOR_ANNOUNCEMENT]).await;
    let [announcement] = announcements.as_slice() else {
        panic!("{announcements:?}");
    };
    assert_signed_by_us(&given, announcement);
    let said = MonitorAnnouncement::parse(&announcement.as_ref()).unwrap();
    assert_eq!(said.frequency, Some(Duration::from_secs(HOUR)));
    let checks = [
        Check::Open,
        Check::Read,
        Check::Write,
        Check::Nip11,
        Check::Ssl,
        Check::Dns,
        Check::Http,
        Check::Audit,
    ];
    assert_eq!(said.checks, checks);
    assert_eq!(said.geohash.as_deref(), Some("u33d"));
    let with_timeout: Vec<_> = said.timeouts.iter().filter_map(|it| it.check).collect();
    assert_eq!(with_timeout, checks);
    let public = [Network::Clearnet, Network::Tor, Network::I2p, Network::Loki];
    assert_eq!(said.networks, public);
    let profiles = given.servable(&[Kind::METADATA]).await;
    let [profile] = profiles.as_slice() else {
        panic!("{profiles:?}");
    };
    assert_signed_by_us(&given, profile);
    let said: serde_json::Value = serde_json::from_str(&profile.as_ref().content()).unwrap();
    assert_eq!(said["name"], "Laboratory");
    assert_eq!(said["website"], "https://lab.nostr-lab.net");
    assert_eq!(said.get("picture"), None);
    let lists = given.servable(&[Kind::RELAY_LIST]).await;
    let [list] = lists.as_slice() else {
        panic!("{lists:?}");
    };
    assert_signed_by_us(&given, list);
    let named = relay_list(&list.as_ref(), LocalRelays::Refused);
    let own_relay = RelayListEntry {
        url: RelayUrl::parse(OWN_RELAY).unwrap(),
        usage: RelayUsage::ReadAndWrite,
    };
    assert_eq!(named, [own_relay]);
}

#[tokio::test]
async fn the_monitor_repeats_itself_only_after_the_interval_across_restarts_too() {
    let given = Given::start(plan_of([])).await;
    cycle(&monitor(&given.context)).await;
    let first = given.servable(&ABOUT_US).await;
    assert_eq!(first.len(), 3);
    given.clock.advance(DAY - 1);
    let given = given.restart().await;
    cycle(&monitor(&given.context)).await;
    assert_eq!(given.servable(&ABOUT_US).await, first);
    given.clock.advance(1);
    cycle(&monitor(&given.context)).await;
    let second = given.servable(&ABOUT_US).await;
    assert_eq!(second.len(), 3);
    assert!(second.iter().all(|event| event.created_at() == NOW + DAY));
}

#[tokio::test]
async fn a_crash_between_event_and_checkpoint_repeats_the_event() {
    let given = Given::start(plan_of([])).await;
    given
        .sql(
            "CREATE TRIGGER crash BEFORE INSERT ON service_state
             BEGIN SELECT RAISE(ABORT, 'crash'); END",
        )
        .await;
    let monitor = monitor(&given.context);
    assert!(monitor.cycle(&Tokens::new()).await.is_err());
    assert_eq!(given.servable(&ABOUT_US).await.len(), 1);
    given.sql("DROP TRIGGER crash").await;
    given.clock.advance(60);
    cycle(&monitor).await;
    let said = given.servable(&ABOUT_US).await;
    assert_eq!(said.len(), 3);
    assert!(said.iter().all(|event| event.created_at() == NOW + 60));
}

#[tokio::test]
async fn a_monitor_that_is_to_be_quiet_about_itself_is() {
    let given = Given::start(plan_of([])).await;
    let config = MonitorConfig {
        announcement: AnnouncementConfig {
            enabled: false,
            ..AnnouncementConfig::default()
        },
        profile: ProfileConfig {
            enabled: false,
            ..ProfileConfig::default()
        },
        relay_list: RelayListConfig {
            enabled: false,
            ..RelayListConfig::default()
        },
        ..MonitorConfig::default()
    };
    cycle(&monitor_with(&given.context, config)).await;
    assert_eq!(given.servable(&ABOUT_US).await, []);
}
