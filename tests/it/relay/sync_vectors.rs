//! NIP-77 against recordings of the reference implementation.

use data_encoding::HEXLOWER;
use flate2::read::GzDecoder;
use nips::{Event, EventId, EventRef};
use serde_json::{Value, json};

use super::server::relay;
use super::syncing::message;
use crate::archive::given::note;
use crate::shared_data::shared;

/// Events that have nothing but a time and an id, since nobody can make one for a given id.
fn bare(at: u64, id: &str) -> Event {
    let template = note(1);
    let bare = EventRef {
        id: EventId::from_hex(id).unwrap(),
        created_at: at,
        ..template.as_ref()
    };
    bare.to_owned()
}

#[tokio::test]
async fn recorded_sessions_of_the_reference_are_answered_byte_by_byte() {
    let Some(path) = shared("vectors/negentropy-v1.json.gz") else {
        return;
    };
    let packed = std::fs::File::open(path).unwrap();
    let vectors: Value = serde_json::from_reader(GzDecoder::new(packed)).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    // How an answer is cut depends on its limit; ours is not that of the recording.
    for case in cases.iter().filter(|case| case["frame_size_limit"] == 0) {
        let relay = relay().await;
        let server = case["server"].as_array().unwrap().iter();
        let event = |item: &Value| bare(item[0].as_u64().unwrap(), item[1].as_str().unwrap());
        relay.write(server.map(event).collect()).await;
        let mut client = relay.client().await;
        let messages = case["messages"].as_array().unwrap();
        for (round, pair) in messages.chunks(2).enumerate() {
            match round {
                0 => {
                    client
                        .send(json!(["NEG-OPEN", "n", {}, pair[0]["hex"]]))
                        .await
                }
                _ => client.send(json!(["NEG-MSG", "n", pair[0]["hex"]])).await,
            }
            let Some(expected) = pair.get(1) else { break };
            let answer = HEXLOWER.encode(&message(&mut client, "n").await);
            assert_eq!(
                answer,
                expected["hex"].as_str().unwrap(),
                "{}",
                case["name"]
            );
        }
    }
}
