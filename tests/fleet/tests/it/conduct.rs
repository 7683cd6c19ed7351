//! What members do about claims.

use anyhow::Result;
use fleet::events::Author;
use fleet::{Behaviour, Conduct, Counting, Fleet, MemberPlan, Searching};
use nips::{Event, Kind};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use crate::client::{Client, End, PATIENCE, SILENCE, single};

fn author() -> Author {
    Author::random(&mut StdRng::seed_from_u64(1))
}

fn note(at: u64, tags: &[[&str; 2]], content: &str) -> Event {
    let tags = tags.iter().map(|tag| tag.map(str::to_owned).to_vec());
    author().sign(Kind(1), at, tags.collect(), content)
}

async fn member(conduct: Conduct) -> Result<(Fleet, Client)> {
    let notes = vec![
        note(100, &[], "one word"),
        note(200, &[], "another word"),
        note(300, &[["expiration", "299"]], "one that had expired"),
    ];
    let member = MemberPlan::new(Behaviour::Conducts(conduct)).own_events(notes);
    let fleet = single(member, 0).await?;
    let client = Client::connect(fleet.member(0)).await?;
    Ok((fleet, client))
}

async fn found(conduct: Conduct, filter: Value) -> Result<usize> {
    let (_fleet, mut client) = member(conduct).await?;
    Ok(client.request(filter).await?.sent.len())
}

#[tokio::test]
async fn some_search_and_some_hide() -> Result<()> {
    let (good, bad) = (Conduct::exemplary(), Conduct::careless());
    assert_eq!(found(good, json!({})).await?, 2);
    assert_eq!(found(bad, json!({})).await?, 3);
    let search = json!({ "search": "another" });
    assert_eq!(found(good, search.clone()).await?, 1);
    assert_eq!(found(bad, search.clone()).await?, 3);
    let searching = Searching::Blind;
    let blind = Conduct { searching, ..good };
    assert_eq!(found(blind, search).await?, 0);
    Ok(())
}

#[tokio::test]
async fn counts_are_right_or_wrong_or_missing() -> Result<()> {
    for (counting, answer) in [
        (
            Counting::Rightly,
            Some(json!(["COUNT", "c", { "count": 3 }])),
        ),
        (
            Counting::Always(7),
            Some(json!(["COUNT", "c", { "count": 7 }])),
        ),
        (
            Counting::Puzzled,
            Some(json!(["NOTICE", "could not parse command"])),
        ),
        (Counting::Mute, None),
    ] {
        let conduct = Conduct {
            counting,
            ..Conduct::careless()
        };
        let (_fleet, mut client) = member(conduct).await?;
        client.send(json!(["COUNT", "c", { "kinds": [1] }])).await?;
        match answer {
            Some(answer) => assert_eq!(client.message().await?, answer),
            None => assert_eq!(client.next(SILENCE).await, Err(End::Silence)),
        }
    }
    Ok(())
}

#[tokio::test]
async fn limits_are_enforced_where_there_are_any() -> Result<()> {
    let (_fleet, mut client) = member(Conduct::exemplary()).await?;
    let nothing = json!({ "ids": ["00".repeat(32)] });
    let long = "x".repeat(65);
    for (id, verb) in [
        (long.as_str(), "CLOSED"),
        ("a", "EOSE"),
        ("b", "EOSE"),
        ("c", "EOSE"),
        ("d", "EOSE"),
        ("d", "EOSE"),
        ("e", "CLOSED"),
    ] {
        client.send(json!(["REQ", id, nothing])).await?;
        assert_eq!(client.message().await?[0], verb, "{id}");
    }
    let many = json!(["REQ", "a", nothing, nothing, nothing, nothing]);
    client.send(many).await?;
    assert_eq!(client.message().await?[0], "CLOSED");
    let long = json!({ "#t": ["x".repeat(9_000)] });
    client.send(json!(["REQ", "a", long])).await?;
    assert_eq!(client.next(PATIENCE).await, Err(End::Disconnected));
    Ok(())
}

#[tokio::test]
async fn deletions_and_protected_events_are_minded() -> Result<()> {
    let (_fleet, mut client) = member(Conduct::exemplary()).await?;
    let own = note(100, &[], "one word").id().to_hex();
    let deletion = author().sign(Kind(5), 400, vec![vec!["e".to_owned(), own]], "");
    let protected = author().sign(Kind(1), 400, vec![vec!["-".to_owned()]], "");
    for (event, accepted) in [(deletion, true), (protected, false)] {
        let event: Value = serde_json::from_str(&event.to_json())?;
        client.send(json!(["EVENT", event])).await?;
        assert_eq!(client.message().await?[2], accepted);
    }
    assert_eq!(client.request(json!({ "kinds": [1] })).await?.sent.len(), 1);
    Ok(())
}
