//! Comparing sets (NIP-77), well and badly.

use std::collections::HashMap;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use nips::nip77::{Element, SyncSet};
use nips::{Event, EventId};
use serde_json::{Value, json};

use crate::behaviour::Syncing;

/// Longest answer in bytes, as other relays have it.
const MAX_ANSWER_BYTES: u64 = 60_000;
/// Ids that an inventive relay adds to what it holds.
const INVENTED: u8 = 5;

/// The comparisons of one connection.
#[derive(Default)]
pub(crate) struct Syncs(HashMap<String, SyncSet>);

impl Syncs {
    /// Begins a comparison, of which `begun` came before on any connection. A refusal, if there is one.
    pub(crate) fn open(
        &mut self,
        syncing: Syncing,
        begun: usize,
        name: &str,
        held: &[Arc<Event>],
    ) -> Option<Value> {
        match syncing {
            Syncing::Honest { max_events } if held.len() > max_events => {
                let reason = "blocked: too many query results";
                return Some(json!(["NEG-ERR", name, reason, max_events]));
            }
            Syncing::Tired { after } if begun >= after => {
                return Some(json!(["NEG-ERR", name, "closed: enough for today"]));
            }
            _ => {}
        }
        let mut elements: Vec<Element> = held.iter().map(|event| element(event)).collect();
        if syncing == Syncing::Inventive {
            let newest = elements.first().map_or(0, |element| element.created_at);
            elements.extend((1..=INVENTED).map(|number| invented(newest, number)));
        }
        self.0.insert(name.to_owned(), SyncSet::new(elements));
        None
    }

    /// The answer to a message, if there is one.
    pub(crate) fn answer(&self, syncing: Syncing, name: &str, message: &Value) -> Option<Value> {
        let answer = match syncing {
            Syncing::Mute => return None,
            Syncing::Puzzled => return Some(json!(["NOTICE", "could not parse command"])),
            Syncing::Garbled => return Some(json!(["NEG-MSG", name, "00ff"])),
            // A message without ranges: nothing is different.
            Syncing::Blind => vec![0x61],
            Syncing::Honest { .. } | Syncing::Inventive | Syncing::Tired { .. } => {
                let message = message.as_str().unwrap_or_default();
                let message = HEXLOWER.decode(message.as_bytes()).unwrap_or_default();
                let Some(set) = self.0.get(name) else {
                    return Some(json!(["NEG-ERR", name, "closed: not open"]));
                };
                match set.answer(&message, MAX_ANSWER_BYTES) {
                    Ok(answer) => answer,
                    Err(_) => return Some(json!(["NEG-ERR", name, "invalid: not negentropy"])),
                }
            }
        };
        Some(json!(["NEG-MSG", name, HEXLOWER.encode(&answer)]))
    }

    /// Ends a comparison.
    pub(crate) fn close(&mut self, name: &str) {
        self.0.remove(name);
    }
}

fn element(event: &Event) -> Element {
    Element {
        created_at: event.created_at(),
        id: event.id(),
    }
}

/// An id of no event, shortly before the newest one.
fn invented(newest: u64, number: u8) -> Element {
    Element {
        created_at: newest.saturating_sub(u64::from(number)),
        id: EventId([number; 32]),
    }
}
