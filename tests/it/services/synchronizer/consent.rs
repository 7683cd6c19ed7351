//! Relays that ask not to be archived, and hosts that many relays share.

use bigbrotr::archive::Door;
use bigbrotr::model::{Metadata, MetadataType, RelayMetadata, ServiceName, StateType};
use bigbrotr::store::{MetadataStore, StateStore, TrafficStore};
use fleet::events::Generator;
use fleet::{Behaviour, Member, MemberPlan};
use nips::{EventId, Kind};
use serde_json::{Value, json};

use super::given::{Crawl, NOW};

/// The monitor has stored what the relay says about itself. Returns the id of the document.
async fn says(crawl: &Crawl, member: &Member, document: &Value, at: u64) -> String {
    let metadata = Metadata::new(MetadataType::Nip11Info, document.to_string());
    let id = EventId(metadata.id()).to_hex();
    let row = RelayMetadata {
        relay: crawl.relay(member).await.id,
        generated_at: at,
        metadata,
    };
    crawl.store().add_relay_metadata(&[row]).await.unwrap();
    id
}

/// The evidence that is on record.
async fn evidence(crawl: &Crawl) -> Vec<(String, String)> {
    let (service, kind) = (ServiceName::Synchronizer, StateType::Decision);
    let rows = crawl.store().states(service, kind).await.unwrap();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    rows.iter()
        .map(|row| (word(&row.value["said_in"]), word(&row.value["evidence"])))
        .collect()
}

#[tokio::test]
async fn a_relay_that_says_so_in_its_document_is_left_alone_until_it_does_not() {
    let crawl = Crawl::of_one(MemberPlan::new(Behaviour::Honest), 50).await;
    let member = crawl.member();
    let document = json!({"name": "a", "tags": ["art", "no-archive"]});
    let id = says(&crawl, member, &document, NOW).await;
    let summary = crawl.cycle().await;
    assert_eq!(summary.count("passed_over_relays"), 1, "{summary}");
    assert_eq!(member.seen().connections, 0);
    assert_eq!(evidence(&crawl).await, [("nip11".to_owned(), id)]);
    assert_eq!(crawl.relay(member).await.sync_failures, 0);

    says(
        &crawl,
        member,
        &json!({"name": "a", "tags": ["art"]}),
        NOW + 10,
    )
    .await;
    crawl.wait_for_turn_of(member).await;
    crawl.run().await;
    assert_eq!(crawl.archived().await, member.holds());
    assert_eq!(evidence(&crawl).await, []);
}

#[tokio::test]
async fn an_event_of_the_relays_own_key_is_as_good_and_anybody_elses_is_not() {
    let crawl = Crawl::of_one(MemberPlan::new(Behaviour::Honest), 50).await;
    let member = crawl.member();
    let mut generator = Generator::new(7);
    let (own, stranger) = (generator.author(), generator.author());
    let document = json!({"name": "a", "self": own.pubkey().to_hex()});
    says(&crawl, member, &document, NOW).await;
    let tags = vec![
        vec!["d".to_owned(), "no-archive".to_owned()],
        vec!["r".to_owned(), member.url().to_string()],
    ];
    let by_stranger = stranger.sign(Kind(30_078), NOW - 5, tags.clone(), "");
    let by_relay = own.sign(Kind(30_078), NOW - 5, tags, "");
    let admit = async |event| {
        let admitted = crawl.archive.admit_events(vec![event], Door::Import(None));
        admitted.await.unwrap();
    };
    admit(by_stranger).await;
    let summary = crawl.cycle().await;
    assert_eq!(summary.count("passed_over_relays"), 0, "{summary}");
    admit(by_relay.clone()).await;
    crawl.wait_for_turn_of(member).await;
    let connections = member.seen().connections;
    let summary = crawl.cycle().await;
    assert_eq!(summary.count("passed_over_relays"), 1, "{summary}");
    assert_eq!(member.seen().connections, connections);
    let expected = ("event".to_owned(), by_relay.id().to_hex());
    assert_eq!(evidence(&crawl).await, [expected]);

    // Deleting it takes the wish back.
    let address = format!("30078:{}:no-archive", own.pubkey().to_hex());
    let tags = vec![vec!["a".to_owned(), address]];
    admit(own.sign(Kind(5), NOW - 1, tags, "")).await;
    crawl.wait_for_turn_of(member).await;
    let summary = crawl.cycle().await;
    assert_eq!(summary.count("synced_relays"), 1, "{summary}");
    assert_eq!(evidence(&crawl).await, []);
}

#[tokio::test]
async fn what_was_received_is_counted() {
    let crawl = Crawl::of_one(MemberPlan::new(Behaviour::Honest), 50).await;
    let summary = crawl.cycle().await;
    let bytes: usize = crawl
        .events()
        .await
        .iter()
        .map(|event| event.to_json().len())
        .sum();
    let received = summary.count("received_bytes");
    assert!(received > bytes as u64, "{received} for {bytes}");
    let relay = crawl.relay(crawl.member()).await.id;
    let total = crawl.store().traffic(relay).await.unwrap().total;
    assert_eq!(total.received_bytes, received);
    assert_eq!(total.new_events, summary.count("synced_events"));
    // Asked again for the newest, nothing new comes.
    crawl.wait_for_turn_of(crawl.member()).await;
    crawl.cycle().await;
    let again = crawl.store().traffic(relay).await.unwrap().total;
    assert_eq!(again.new_events, total.new_events);
    assert!(again.received_bytes > total.received_bytes);
}
