//! What members send for a REQ, an EVENT and an AUTH.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use fleet::events::{Generator, verify};
use fleet::{Behaviour, Completeness, Member, MemberPlan};
use nips::{EventId, Kind};
use serde_json::{Value, json};

use crate::client::{Client, End, PATIENCE, SILENCE, single};

/// Pages backwards from the newest event, as a crawler does, and reconnects when it is cut off.
async fn page_back(member: &Member) -> Result<BTreeSet<EventId>> {
    let mut client = Client::connect(member).await?;
    let (mut known, mut until) = (BTreeSet::new(), 4_000_000_000_u64);
    loop {
        let page = client
            .request(json!({ "until": until, "limit": 500 }))
            .await?;
        let before = known.len();
        known.extend(page.ids());
        let oldest = page.events().iter().map(nips::Event::created_at).min();
        match (page.end, oldest) {
            (End::Eose, Some(oldest)) if known.len() > before => until = oldest,
            (End::Eose, _) => return Ok(known),
            (End::Disconnected, oldest) => {
                until = oldest.unwrap_or(until);
                client = Client::connect(member).await?;
            }
            (End::Closed(_), _) => {}
            (end, _) => anyhow::bail!("{end:?}"),
        }
    }
}

#[tokio::test]
async fn honest_members_give_all_that_they_hold() -> Result<()> {
    let behaviours = [
        Behaviour::Healthy,
        Behaviour::Honest,
        Behaviour::RateLimited { every: 3 },
        Behaviour::DisconnectAfter { events: 200 },
        Behaviour::Cap { limit: 100 },
        Behaviour::LongIdentifier,
    ];
    for behaviour in behaviours {
        let fleet = single(MemberPlan::new(behaviour.clone()), 800).await?;
        let member = fleet.member(0);
        let held = member.holds();
        assert!(held.len() > 600, "{behaviour:?} holds {}", held.len());
        assert_eq!(member.completeness(), Completeness::Whole);
        assert_eq!(page_back(member).await?, held, "{behaviour:?}");
        assert_eq!(fleet.union_of_valid_events(), held);
        fleet.stop().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_page_is_newest_first_and_obeys_the_filter() -> Result<()> {
    for behaviour in [Behaviour::Healthy, Behaviour::Honest] {
        let fleet = single(MemberPlan::new(behaviour), 300).await?;
        let mut client = Client::connect(fleet.member(0)).await?;
        let page = client
            .request(json!({ "kinds": [1, 7], "limit": 20 }))
            .await?;
        let order: Vec<_> = page
            .events()
            .iter()
            .map(|event| (std::cmp::Reverse(event.created_at()), event.id()))
            .collect();
        assert_eq!((page.end, order.len()), (End::Eose, 20));
        assert!(order.is_sorted());
        let oldest = order.last().map(|(time, _)| time.0);
        let older = client
            .request(json!({ "kinds": [7], "until": oldest, "limit": 5 }))
            .await?;
        assert!(older.events().iter().all(|event| event.kind() == Kind(7)));
        let reqs = fleet.member(0).seen().reqs;
        assert_eq!(reqs.len(), 2);
        assert_eq!(reqs[1].filters[0].until, oldest);
        assert_eq!(reqs[1].subscription, "s");
    }
    Ok(())
}

#[tokio::test]
async fn caps_orders_and_ignored_bounds() -> Result<()> {
    let times = |answer: &crate::client::Answer| -> Vec<u64> {
        answer
            .events()
            .iter()
            .map(nips::Event::created_at)
            .collect()
    };
    let fleet = single(MemberPlan::new(Behaviour::OldestFirst { cap: 50 }), 200).await?;
    let mut client = Client::connect(fleet.member(0)).await?;
    let page = times(&client.request(json!({ "limit": 100 })).await?);
    assert_eq!((page.len(), page.is_sorted()), (50, true));
    let first = fleet.events()[0].created_at();
    assert_eq!(page[0], first);

    let fleet = single(MemberPlan::new(Behaviour::RandomOrder { cap: 50 }), 200).await?;
    let mut client = Client::connect(fleet.member(0)).await?;
    let page = times(&client.request(json!({})).await?);
    assert_eq!(page.len(), 50);
    assert!(!page.is_sorted() && !page.iter().rev().is_sorted());

    let fleet = single(
        MemberPlan::new(Behaviour::IgnoresTimeBounds { cap: 50 }),
        200,
    )
    .await?;
    let mut client = Client::connect(fleet.member(0)).await?;
    let all = client.request(json!({})).await?;
    let bounded = client
        .request(json!({ "since": 5, "until": first }))
        .await?;
    assert_eq!((bounded.ids().len(), bounded.ids()), (50, all.ids()));
    Ok(())
}

#[tokio::test]
async fn a_burst_shares_its_second() -> Result<()> {
    let behaviour = Behaviour::BurstSecond {
        events: 300,
        cap: 100,
    };
    let fleet = single(MemberPlan::new(behaviour), 0).await?;
    assert_eq!(fleet.member(0).holds().len(), 300);
    let mut client = Client::connect(fleet.member(0)).await?;
    let page = client.request(json!({ "limit": 500 })).await?;
    let seconds: BTreeSet<u64> = page.events().iter().map(nips::Event::created_at).collect();
    assert_eq!((page.ids().len(), seconds.len()), (100, 1));
    Ok(())
}

#[tokio::test]
async fn lapses_come_each_nth_time() -> Result<()> {
    let fleet = single(MemberPlan::new(Behaviour::RateLimited { every: 3 }), 10).await?;
    let mut ends = Vec::new();
    for _ in 0..6 {
        // A new connection each time: the member counts, not the connection.
        let mut client = Client::connect(fleet.member(0)).await?;
        ends.push(client.request(json!({ "limit": 1 })).await?.end);
    }
    let closed = End::Closed("rate-limited: slow down".to_owned());
    let every_third = [0, 1, 2, 0, 1, 2].map(|n| if n == 2 { closed.clone() } else { End::Eose });
    assert_eq!(ends, every_third);

    let fleet = single(MemberPlan::new(Behaviour::Unanswered { every: 2 }), 10).await?;
    let mut client = Client::connect(fleet.member(0)).await?;
    assert_eq!(client.request(json!({})).await?.end, End::Eose);
    assert_eq!(
        client.request_within(json!({}), SILENCE).await?.end,
        End::Silence
    );
    Ok(())
}

#[tokio::test]
async fn refused_filters_are_closed_with_a_reason() -> Result<()> {
    let closed = |reason: &str| End::Closed(reason.to_owned());
    let fleet = single(MemberPlan::new(Behaviour::ClosedAuthRequired), 10).await?;
    let mut client = Client::connect(fleet.member(0)).await?;
    let end = client.request(json!({ "kinds": [1] })).await?.end;
    assert_eq!(end, closed("auth-required: only for members"));
    assert!(fleet.union_of_valid_events().is_empty());

    let fleet = single(MemberPlan::new(Behaviour::NeedsKinds), 10).await?;
    let mut client = Client::connect(fleet.member(0)).await?;
    let end = client.request(json!({ "limit": 1 })).await?.end;
    assert_eq!(end, closed("unsupported: a filter needs kinds"));
    assert_eq!(
        client.request(json!({ "kinds": [1] })).await?.end,
        End::Eose
    );

    let fleet = single(MemberPlan::new(Behaviour::RefusesScraping), 10).await?;
    let mut client = Client::connect(fleet.member(0)).await?;
    assert_eq!(
        client
            .request(json!({ "kinds": [1], "limit": 1 }))
            .await?
            .end,
        End::Eose
    );
    let end = client.request(json!({ "kinds": [1] })).await?.end;
    assert_eq!(end, closed("blocked: scraping is not allowed here"));

    let fleet = single(MemberPlan::new(Behaviour::RefusesEveryScrape), 10).await?;
    let mut client = Client::connect(fleet.member(0)).await?;
    let one = json!({ "kinds": [1], "limit": 1 });
    let end = client.request(one).await?.end;
    assert_eq!(end, closed("blocked: scraping is not allowed here"));
    let by_id = json!({ "ids": ["00".repeat(32)], "limit": 1 });
    assert_eq!(client.request(by_id).await?.end, End::Eose);
    Ok(())
}

#[tokio::test]
async fn a_login_opens_the_door() -> Result<()> {
    let fleet = single(MemberPlan::new(Behaviour::AuthFirst), 10).await?;
    let member = fleet.member(0);
    let mut client = Client::connect(member).await?;
    let challenge = client.message().await?;
    assert_eq!(challenge[0], "AUTH");
    let end = client.request(json!({})).await?.end;
    assert_eq!(end, End::Closed("auth-required: log in first".to_owned()));

    let author = Generator::new(9).author();
    let login = |relay: &str, challenge: &Value| -> Value {
        let challenge = challenge.as_str().unwrap_or_default();
        let tag = |name: &str, value: &str| vec![name.to_owned(), value.to_owned()];
        let tags = vec![tag("relay", relay), tag("challenge", challenge)];
        let event = author.sign(Kind::CLIENT_AUTH, 1_700_000_000, tags, "");
        serde_json::from_str(&event.to_json()).unwrap()
    };
    let wrong = login("ws://127.0.0.1:1", &challenge[1]);
    client.send(json!(["AUTH", wrong])).await?;
    assert_eq!(client.message().await?[2], false);
    let right = login(member.url().as_str(), &challenge[1]);
    client.send(json!(["AUTH", right])).await?;
    assert_eq!(client.message().await?[2], true);
    assert_eq!(client.request(json!({})).await?.ids(), member.holds());
    assert_eq!(member.seen().auths.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_liar_mixes_forgeries_into_the_truth() -> Result<()> {
    let fleet = single(MemberPlan::new(Behaviour::Liar), 50).await?;
    let member = fleet.member(0);
    let mut client = Client::connect(member).await?;
    let answer = client
        .request(json!({ "since": 1_600_000_000, "until": 1_900_000_000 }))
        .await?;
    let events = answer.events();
    let wrong_ids = answer.sent.len() - events.len();
    let bad_signatures = events.iter().filter(|event| !verify(event)).count();
    let late = |event: &&nips::Event| {
        event.created_at() > 1_900_000_000 || event.created_at() < 1_600_000_000
    };
    let intruders = events.iter().filter(late).count();
    assert_eq!((wrong_ids, bad_signatures, intruders), (10, 10, 2));
    let good: BTreeSet<EventId> = events.iter().map(nips::Event::id).collect();
    let forged = member.forged();
    assert_eq!(
        good.difference(&forged).copied().collect::<BTreeSet<_>>(),
        member.holds()
    );
    assert!(member.holds().is_disjoint(&forged));
    Ok(())
}

#[tokio::test]
async fn an_endless_stream_ends_with_close_only() -> Result<()> {
    let fleet = single(
        MemberPlan::new(Behaviour::Endless {
            pace: Duration::ZERO,
        }),
        10,
    )
    .await?;
    let member = fleet.member(0);
    let mut client = Client::connect(member).await?;
    let filter = json!({ "kinds": [7], "since": 1_600_000_000, "until": 1_600_000_100 });
    client.send(json!(["REQ", "s", filter])).await?;
    let mut ids = BTreeSet::new();
    for _ in 0..100 {
        let message = client.message().await?;
        let event = nips::Event::from_json(&message[2].to_string())?;
        assert!(verify(&event) && event.kind() == Kind(7));
        assert!((1_600_000_000..=1_600_000_100).contains(&event.created_at()));
        ids.insert(event.id());
    }
    assert_eq!(ids.len(), 100);
    client.send(json!(["CLOSE", "s"])).await?;
    client.send(json!(["WHAT"])).await?;
    loop {
        let message = client.message().await?;
        if message[0] == "NOTICE" {
            break;
        }
        ids.insert(nips::Event::from_json(&message[2].to_string())?.id());
    }
    assert_eq!(client.next(SILENCE).await, Err(End::Silence));
    assert_eq!(member.streamed(), ids);
    assert!(fleet.archivable_events().is_superset(&ids));
    Ok(())
}

#[tokio::test]
async fn huge_tags_are_valid_events() -> Result<()> {
    let fleet = single(MemberPlan::new(Behaviour::HugeTags), 0).await?;
    let mut client = Client::connect(fleet.member(0)).await?;
    let events = client.request(json!({})).await?.events();
    assert!(events.iter().all(verify));
    let longest = events
        .iter()
        .filter_map(|event| event.as_ref().first_tag("t").map(|t| t.len()));
    let mut lengths: Vec<usize> = longest.collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [2_048, 2_700, 1 << 20]);
    Ok(())
}

#[tokio::test]
async fn events_are_taken_forgotten_or_refused() -> Result<()> {
    let author = Generator::new(5).author();
    let note = author.sign(Kind::TEXT_NOTE, 1_700_000_000, vec![], "hello");
    let probe = author.sign(Kind::WRITE_PROBE, 1_700_000_000, vec![], "nip66-test");
    let as_value =
        |event: &nips::Event| -> Value { serde_json::from_str(&event.to_json()).unwrap() };
    let refusal = fleet::REFUSALS[0];
    let cases = [
        (Behaviour::Healthy, true, "", true),
        (Behaviour::Honest, true, "", true),
        (Behaviour::Forgetful, true, "", false),
        (
            Behaviour::Refuses { reason: refusal },
            false,
            refusal,
            false,
        ),
    ];
    for (behaviour, accepted, reason, is_stored) in cases {
        let fleet = single(MemberPlan::new(behaviour.clone()).weight(0.0), 0).await?;
        let member = fleet.member(0);
        let mut client = Client::connect(member).await?;
        for event in [&note, &probe] {
            client.send(json!(["EVENT", as_value(event)])).await?;
            let ok = client.message().await?;
            assert_eq!(
                ok,
                json!(["OK", event.id().to_hex(), accepted, reason]),
                "{behaviour:?}"
            );
        }
        let stored = member.stored().await?;
        assert_eq!(stored.contains(&note.id()), is_stored, "{behaviour:?}");
        assert!(
            !stored.contains(&probe.id()),
            "ephemeral events are not stored"
        );
        assert_eq!(member.seen().events, [note.clone(), probe.clone()]);
    }
    Ok(())
}

#[tokio::test]
async fn a_forged_event_is_refused_by_honest_members() -> Result<()> {
    let note = Generator::new(5)
        .author()
        .sign(Kind(1), 1_700_000_000, vec![], "hello");
    let mut forged: Value = serde_json::from_str(&note.to_json())?;
    forged["sig"] = json!("00".repeat(64));
    for behaviour in [Behaviour::Healthy, Behaviour::Honest] {
        let fleet = single(MemberPlan::new(behaviour), 0).await?;
        let mut client = Client::connect(fleet.member(0)).await?;
        client.send(json!(["EVENT", forged])).await?;
        assert_eq!(client.message().await?[2], false);
    }
    Ok(())
}

#[tokio::test]
async fn published_events_reach_open_subscriptions() -> Result<()> {
    for behaviour in [Behaviour::Healthy, Behaviour::Honest] {
        let fleet = single(MemberPlan::new(behaviour), 0).await?;
        let member = fleet.member(0);
        let mut client = Client::connect(member).await?;
        assert_eq!(
            client.request(json!({ "kinds": [1] })).await?.end,
            End::Eose
        );
        let note = Generator::new(5)
            .author()
            .sign(Kind(1), 1_700_000_000, vec![], "live");
        member.publish(note.clone()).await?;
        let message = client.next(PATIENCE).await.unwrap();
        assert!(message.contains(&note.id().to_hex()));
        assert!(fleet.union_of_valid_events().contains(&note.id()));
    }
    Ok(())
}
