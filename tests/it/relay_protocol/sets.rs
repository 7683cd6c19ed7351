//! COUNT and negentropy (NIP-45, 77), asked by the program's clients at once.

use nips::Event;
use serde_json::{Value, json};

use super::{Relay, event, publish};

#[tokio::test]
async fn counts_are_exact_and_sketches_follow_the_nip() {
    let relay = Relay::start();
    let mut client = relay.client().await;
    let target = event(1, 1, 99, &[], "");
    let id = target.id().to_hex();
    let react = |number| event(number, 7, number, &[&["e", &id]], "+");
    let reactions: Vec<Event> = (1..30).map(react).collect();
    publish(&mut client, &[&target]).await;
    publish(&mut client, &reactions.iter().collect::<Vec<_>>()).await;
    let counted = client
        .count(&[json!({"#e": [id], "kinds": [7], "limit": 1})])
        .await;
    assert_eq!(counted["count"], 29);
    assert!(counted["approximate"].is_null());
    assert_eq!(counted["hll"], sketch(&id, &reactions));
    let twice = [
        json!({"kinds": [7]}),
        json!({"#e": [id]}),
        json!({"ids": [id]}),
    ];
    assert_eq!(client.count(&twice).await, json!({"count": 30}));
}

/// NIP-45's registers, computed from its text: the byte at an offset that follows from the target picks one,
/// the run of zero bits after it is what counts.
fn sketch(target: &str, events: &[Event]) -> Value {
    let offset = usize::from_str_radix(&target[32..33], 16).unwrap() + 8;
    let mut registers = [0_u32; 256];
    for event in events {
        let key = event.pubkey().0;
        let after = key[offset + 1..offset + 8].iter();
        let bits: String = after.map(|byte| format!("{byte:08b}")).collect();
        let zeros = bits.find('1').unwrap_or(56) as u32;
        let register = &mut registers[usize::from(key[offset])];
        *register = (*register).max(zeros + 1);
    }
    registers
        .iter()
        .map(|value| format!("{value:02x}"))
        .collect::<String>()
        .into()
}

#[tokio::test]
async fn a_set_is_compared_and_the_session_has_an_end() {
    let relay = Relay::start();
    let mut client = relay.client().await;
    let events: Vec<Event> = (0..20).map(|n| event(1, 1, 20 - n, &[], "")).collect();
    publish(&mut client, &events.iter().collect::<Vec<_>>()).await;
    for filter in [json!({"kinds": [1]}), json!([{"kinds": [1]}])] {
        client
            .send(json!(["NEG-OPEN", "n", filter, "6100000200"]))
            .await;
        let answer = client.next().await;
        assert_eq!((&answer[0], &answer[1]), (&json!("NEG-MSG"), &json!("n")));
        // One range to infinity, as a list of twenty ids, oldest first.
        let listed: String = events.iter().map(|one| one.id().to_hex()).collect();
        assert_eq!(answer[2], format!("6100000214{listed}"));
    }
    client.send(json!(["NEG-CLOSE", "n"])).await;
    for (message, prefix) in [
        (json!(["NEG-MSG", "n", "61"]), "closed: "),
        (json!(["NEG-OPEN", "n", {}, "6100000200"]), ""),
        (json!(["NEG-MSG", "n", "no hex"]), "invalid: "),
        (json!(["NEG-MSG", "n", "61"]), "closed: "),
    ] {
        client.send(message.clone()).await;
        let answer = client.next().await;
        let verb = if prefix.is_empty() {
            "NEG-MSG"
        } else {
            "NEG-ERR"
        };
        assert_eq!((&answer[0], &answer[1]), (&json!(verb), &json!("n")));
        assert!(
            answer[2].as_str().unwrap().starts_with(prefix),
            "{message} {answer}"
        );
    }
}
