//! Each number of the NIP-11 document against what the relay refuses: the number passes, one more does not.

use std::collections::BTreeSet;
use std::time::Duration;

use bigbrotr::relay::RelaySettings;
use nips::Kind;
use serde_json::{Value, json};

use super::client::Client;
use super::server::{Served, relay_with};
use crate::archive::given::{NOW, author, crawl, raw};

/// Settings unlike the defaults, so that nothing is right by chance.
fn settings() -> RelaySettings {
    let mut settings = RelaySettings::default();
    settings.limits.max_message_length = 300_000;
    settings.limits.max_subscriptions = 7;
    settings.limits.max_filters = 4;
    settings.limits.max_filter_values = 1_100;
    settings.limits.max_limit = 33;
    settings.limits.default_limit = 11;
    settings.limits.max_discovery_limit = 44;
    settings
}

struct Advertised(Value);

impl Advertised {
    fn of(relay: &Served) -> Self {
        let document: Value = serde_json::from_str(&relay.relay.information()).unwrap();
        Self(document["limitation"].clone())
    }

    fn number(&self, name: &str) -> usize {
        let number = self.0[name].as_u64();
        usize::try_from(number.unwrap_or_else(|| panic!("{name} in {}", self.0))).unwrap()
    }

    /// The names of all numbers.
    fn names(&self) -> BTreeSet<&str> {
        let fields = self.0.as_object().unwrap().iter();
        let numbers = fields.filter(|(_, value)| value.is_number());
        numbers.map(|(name, _)| name.as_str()).collect()
    }
}

#[tokio::test]
async fn every_number_is_the_one_that_is_enforced() {
    let relay = relay_with(settings()).await;
    let advertised = Advertised::of(&relay);
    let tried = [
        message_length(&relay, &advertised).await,
        subscriptions(&relay, &advertised).await,
        subscription_id(&relay, &advertised).await,
        filters(&relay, &advertised).await,
        filter_values(&relay, &advertised).await,
        limits(&relay, &advertised).await,
        "max_limit",
        discovery_limit(&relay, &advertised).await,
        tags(&relay, &advertised).await,
        created_at(&relay, &advertised).await,
        proof_of_work(&advertised),
    ];
    assert_eq!(advertised.names(), BTreeSet::from(tried));
}

async fn message_length(relay: &Served, advertised: &Advertised) -> &'static str {
    let max = advertised.number("max_message_length");
    let mut client = relay.client().await;
    for (length, expected) in [(max, "EOSE"), (max + 1, "CLOSED")] {
        let start = r##"["REQ","s",{"limit":0,"#t":[""##;
        let end = r#""]}]"#;
        let filling = "x".repeat(length - start.len() - end.len());
        client.send_text(&format!("{start}{filling}{end}")).await;
        assert_eq!(client.next().await[0], expected, "{length}");
    }
    "max_message_length"
}

async fn subscriptions(relay: &Served, advertised: &Advertised) -> &'static str {
    let mut client = relay.client().await;
    for number in 0..advertised.number("max_subscriptions") {
        client
            .ask(&number.to_string(), &[json!({"limit": 0})])
            .await;
    }
    client.refused("one more", &[json!({"limit": 0})]).await;
    "max_subscriptions"
}

async fn subscription_id(relay: &Served, advertised: &Advertised) -> &'static str {
    let max = advertised.number("max_subid_length");
    let mut client = relay.client().await;
    client.ask(&"é".repeat(max), &[json!({"limit": 0})]).await;
    let long = "é".repeat(max + 1);
    client.refused(&long, &[json!({"limit": 0})]).await;
    "max_subid_length"
}

async fn filters(relay: &Served, advertised: &Advertised) -> &'static str {
    let max = advertised.number("max_filters");
    let mut client = relay.client().await;
    client.ask("s", &vec![json!({"limit": 0}); max]).await;
    client
        .refused("s", &vec![json!({"limit": 0}); max + 1])
        .await;
    "max_filters"
}

async fn filter_values(relay: &Served, advertised: &Advertised) -> &'static str {
    let max = advertised.number("max_filter_values");
    let mut client = relay.client().await;
    // The other way of writing each URL, which the relay looks for by itself, is not the client's.
    let mut roots: Vec<String> = (0..max)
        .map(|number| format!("wss://{number}.example"))
        .collect();
    let discovery = |roots: &[String]| json!({"kinds": [30_166], "#d": roots});
    client.ask("s", &[discovery(&roots)]).await;
    roots.push("wss://example".to_owned());
    client.refused("s", &[discovery(&roots)]).await;
    for list in ["ids", "authors", "#e", "#t"] {
        let mut values: Vec<String> = (0..max).map(|number| format!("{number:064x}")).collect();
        client.ask("s", &[json!({list: values})]).await;
        values.push("f".repeat(64));
        client.refused("s", &[json!({list: values})]).await;
    }
    let mut kinds: Vec<usize> = (0..max).collect();
    client.ask("s", &[json!({"kinds": kinds})]).await;
    kinds.push(max);
    client.refused("s", &[json!({"kinds": kinds})]).await;
    "max_filter_values"
}

async fn limits(relay: &Served, advertised: &Advertised) -> &'static str {
    let (max, default) = (
        advertised.number("max_limit"),
        advertised.number("default_limit"),
    );
    let sign = |second| author(8).sign(Kind(1), NOW - second, Vec::new(), "");
    let events: Vec<_> = (0..max as u64 + 5).map(sign).collect();
    relay.archive.admit(raw(&events), crawl(1)).await.unwrap();
    let mut client = relay.client().await;
    let of_author = json!({"authors": [author(8).pubkey().to_hex()]});
    let (got, _) = client.ask("s", std::slice::from_ref(&of_author)).await;
    assert_eq!(got.len(), default);
    for (limit, expected) in [(max, max), (max + 1, max)] {
        let mut filter = of_author.clone();
        filter["limit"] = json!(limit);
        assert_eq!(client.ask("s", &[filter]).await.0.len(), expected);
    }
    "default_limit"
}

async fn discovery_limit(relay: &Served, advertised: &Advertised) -> &'static str {
    let max = advertised.number("max_discovery_limit");
    let name = |number| vec!["d".to_owned(), format!("wss://{number}.example/")];
    let sign = |number| author(7).sign(Kind(30_166), NOW - number, vec![name(number)], "");
    let events: Vec<_> = (0..max as u64 + 5).map(sign).collect();
    relay.archive.admit(raw(&events), crawl(1)).await.unwrap();
    let mut client = relay.client().await;
    for (limit, expected) in [(max, max), (max + 1, max)] {
        let filter = json!({"kinds": [30_166], "limit": limit});
        assert_eq!(client.ask("s", &[filter]).await.0.len(), expected);
    }
    "max_discovery_limit"
}

async fn tags(relay: &Served, advertised: &Advertised) -> &'static str {
    let max = advertised.number("max_event_tags");
    let mut client = relay.client().await;
    for (count, expected) in [(max, true), (max + 1, false)] {
        let tags = vec![vec!["x".to_owned()]; count];
        let event = author(9).sign(Kind(1), NOW, tags, "");
        assert_eq!(client.publish(&event).await.0, expected, "{count} tags");
    }
    "max_event_tags"
}

async fn created_at(relay: &Served, advertised: &Advertised) -> &'static str {
    let max = advertised.number("created_at_upper_limit") as u64;
    let mut client = relay.client().await;
    for (ahead, expected) in [(max, true), (max + 1, false)] {
        let event = author(9).sign(Kind(1), NOW + ahead, Vec::new(), "");
        assert_eq!(client.publish(&event).await.0, expected, "{ahead} s ahead");
    }
    "created_at_upper_limit"
}

/// Everything else in this test was published without any.
fn proof_of_work(advertised: &Advertised) -> &'static str {
    assert_eq!(advertised.number("min_pow_difficulty"), 0);
    "min_pow_difficulty"
}

#[tokio::test]
async fn rates_are_advertised_under_the_names_of_their_settings() {
    let mut settings = RelaySettings::default();
    settings.rates.events_per_minute = Some(4);
    settings.rates.requests_per_minute = Some(5);
    settings.rates.events_per_minute_per_prefix = Some(6);
    settings.rates.requests_per_minute_per_prefix = Some(8);
    settings.rates.events_per_minute_per_key = Some(100);
    settings.rates.query_time_per_minute = Some(Duration::from_millis(1_500));
    let relay = relay_with(settings).await;
    let advertised = Advertised::of(&relay);
    assert_eq!(advertised.0["query_time_per_minute"], 1.5);
    assert!(
        advertised
            .0
            .get("query_time_per_minute_per_prefix")
            .is_none()
    );
    for (events, requests) in [
        ("events_per_minute", "requests_per_minute"),
        (
            "events_per_minute_per_prefix",
            "requests_per_minute_per_prefix",
        ),
    ] {
        let from = [127, 0, u8::from(events.ends_with("prefix")), 1];
        let max = advertised.number(events).max(advertised.number(requests));
        let mut clients = Vec::new();
        for number in 0..max as u64 + 1 {
            let is_new = events.ends_with("prefix") || number == 0;
            if is_new {
                clients.push(relay.client_from(from).await);
            }
            let client = clients.last_mut().unwrap();
            let is_allowed = (number as usize) < advertised.number(events);
            let event = author(3).sign(Kind(1), NOW - number, Vec::new(), events);
            assert_eq!(client.publish(&event).await.0, is_allowed, "{events}");
            let is_allowed = (number as usize) < advertised.number(requests);
            assert_eq!(is_answered(client).await, is_allowed, "{requests}");
        }
    }
}

async fn is_answered(client: &mut Client) -> bool {
    client.send(json!(["REQ", "s", {"ids": []}])).await;
    let answer = client.next().await;
    answer[0] == "EOSE"
}
