//! What members say to who compares sets with them (NIP-77).

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use data_encoding::HEXLOWER;
use fleet::{Behaviour, MemberPlan, Syncing};
use nips::EventId;
use nips::nip77::{Difference, SyncSet};
use serde_json::{Value, json};

use crate::client::{Client, End, SILENCE, single};

/// Longest message in bytes.
const MAX_BYTES: u64 = 60_000;

async fn open(client: &mut Client) -> Result<()> {
    let first = SyncSet::default().first_message(MAX_BYTES)?;
    let open = json!(["NEG-OPEN", "n", {}, HEXLOWER.encode(&first)]);
    client.send(open).await
}

/// The bytes of a `NEG-MSG`.
fn ranges(message: &Value) -> Result<Vec<u8>> {
    assert_eq!(message[0], "NEG-MSG", "{message}");
    let hex = message[2].as_str().context("a text")?;
    Ok(HEXLOWER.decode(hex.as_bytes())?)
}

/// What the member holds, as far as a comparison with nothing shows it.
async fn compared(
    syncing: Syncing,
    events: usize,
) -> Result<(BTreeSet<EventId>, BTreeSet<EventId>)> {
    let fleet = single(MemberPlan::new(Behaviour::Syncs(syncing)), events).await?;
    let mut client = Client::connect(fleet.member(0)).await?;
    open(&mut client).await?;
    let mut difference = Difference::default();
    loop {
        let answer = ranges(&client.message().await?)?;
        let next = SyncSet::default().compare(&answer, MAX_BYTES, &mut difference)?;
        let Some(next) = next else {
            break;
        };
        client
            .send(json!(["NEG-MSG", "n", HEXLOWER.encode(&next)]))
            .await?;
    }
    let named = difference.missing_here.into_iter().collect();
    Ok((named, fleet.member(0).holds()))
}

#[tokio::test]
async fn honest_members_name_all_that_they_hold_and_others_do_not() -> Result<()> {
    let (named, held) = compared(Syncing::Honest { max_events: 5_000 }, 3_000).await?;
    assert_eq!(named, held);
    let (named, held) = compared(Syncing::Inventive, 100).await?;
    assert!(named.is_superset(&held) && named.len() == held.len() + 5);
    let (named, _) = compared(Syncing::Blind, 100).await?;
    assert!(named.is_empty());
    Ok(())
}

#[tokio::test]
async fn the_others_refuse_in_their_own_ways() -> Result<()> {
    for (syncing, verb) in [
        (Syncing::Honest { max_events: 10 }, "NEG-ERR"),
        (Syncing::Tired { after: 0 }, "NEG-ERR"),
        (Syncing::Puzzled, "NOTICE"),
        (Syncing::Garbled, "NEG-MSG"),
    ] {
        let fleet = single(MemberPlan::new(Behaviour::Syncs(syncing)), 100).await?;
        let mut client = Client::connect(fleet.member(0)).await?;
        open(&mut client).await?;
        assert_eq!(client.message().await?[0], verb, "{syncing:?}");
    }
    let fleet = single(MemberPlan::new(Behaviour::Syncs(Syncing::Mute)), 100).await?;
    let mut client = Client::connect(fleet.member(0)).await?;
    open(&mut client).await?;
    assert_eq!(client.next(SILENCE).await, Err(End::Silence));
    Ok(())
}
