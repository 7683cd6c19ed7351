//! Relays that refuse: for want of a login, of a filter to their taste, of patience.

use std::time::{Duration, Instant};

use bigbrotr::archive::Door;
use bigbrotr::config::{ProcessingOverrides, SyncOverride, TimeoutOverrides};
use bigbrotr::model::GapReason;
use fleet::events::{Author, Generator};
use fleet::{Behaviour, FleetPlan, MemberPlan};
use nips::{Filter, Kind};

use super::given::{Crawl, NOW};

#[tokio::test]
async fn b3_auth_required_is_a_gap_with_its_reason_after_one_question() {
    let crawl = Crawl::of_behaviour(Behaviour::ClosedAuthRequired, 100).await;
    let begun = Instant::now();
    let summary = crawl.cycle().await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(summary.count("failed_relays"), 1);
    let member = crawl.member();
    let gap = (0, NOW, GapReason::AuthRequired);
    assert_eq!(crawl.gap_ranges(member).await, [gap]);
    assert_eq!(crawl.covered(member).await, []);
    assert!(crawl.gaps(member).await[0].next_attempt_at > NOW + 3_600);
    assert_eq!(
        (member.seen().reqs.len(), member.seen().auths.len()),
        (1, 0)
    );
    assert_eq!(crawl.relay(member).await.sync_failures, 1);
    assert!(crawl.archived().await.is_empty());
}

#[tokio::test]
async fn b4_no_relay_learns_who_we_are_unless_the_operator_says_so() {
    let plan = FleetPlan::new(5)
        .events(300)
        .member(MemberPlan::new(Behaviour::AuthFirst))
        .member(MemberPlan::new(Behaviour::AuthFirst));
    let mut crawl = Crawl::of(plan).await;
    crawl.config.auth.relays = vec![crawl.fleet.member(1).url().clone()];
    crawl.run().await;
    let (stranger, friend) = (crawl.fleet.member(0), crawl.fleet.member(1));

    assert_eq!(stranger.seen().auths, []);
    let gap = (0, NOW, GapReason::AuthRequired);
    assert_eq!(crawl.gap_ranges(stranger).await, [gap]);
    assert!(crawl.seen_on(stranger).await.is_empty());

    let auths = friend.seen().auths;
    assert_eq!(auths.len(), 1);
    assert_eq!(auths[0].kind(), Kind::CLIENT_AUTH);
    assert_eq!(auths[0].pubkey(), crawl.signer.public_key());
    crawl.assert_complete(friend).await;
}

#[tokio::test]
async fn b5_a_relay_that_only_ever_says_slow_down_is_left_alone_with_its_window_open() {
    let mut crawl = Crawl::of_behaviour(Behaviour::RateLimited { every: 1 }, 100).await;
    crawl.config.timeouts.max_duration = Duration::from_secs(2);
    let begun = Instant::now();
    let summary = crawl.cycle().await;
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    let member = crawl.member();
    // A pause of about a second, and the next would take more time than is left.
    assert!(member.seen().reqs.len() <= 2);
    assert!(
        !summary.has_more,
        "coming back at once is what it asked us not to do"
    );
    assert_eq!(crawl.covered(member).await, []);
    let gap = (0, NOW, GapReason::RateLimited);
    assert_eq!(crawl.gap_ranges(member).await, [gap]);
    assert!(crawl.gaps(member).await[0].next_attempt_at > NOW + 600);
    let relay = crawl.relay(member).await;
    assert_eq!(relay.sync_failures, 1);
    assert!(relay.next_sync_at > NOW + 600);
}

#[tokio::test]
async fn refused_filters_are_gaps_with_their_reasons() {
    let plan = FleetPlan::new(5)
        .events(100)
        .member(MemberPlan::new(Behaviour::NeedsKinds))
        .member(MemberPlan::new(Behaviour::RefusesScraping));
    let crawl = Crawl::of(plan).await;
    crawl.run().await;
    for (member, reason) in crawl
        .fleet
        .members()
        .iter()
        .zip([GapReason::Closed, GapReason::Blocked])
    {
        assert_eq!(crawl.gap_ranges(member).await, [(0, NOW, reason)]);
        assert_eq!(member.seen().reqs.len(), 1);
        assert_eq!(crawl.relay(member).await.sync_failures, 1);
    }
}

#[tokio::test]
async fn an_auth_required_gap_is_filled_once_the_relay_is_listed() {
    let mut crawl = Crawl::of_behaviour(Behaviour::AuthFirst, 200).await;
    crawl.run().await;
    crawl.config.auth.relays = vec![crawl.member().url().clone()];
    let gap = crawl.gaps(crawl.member()).await[0];
    crawl.clock.advance(gap.next_attempt_at - NOW);
    crawl.wait_for_turn_of(crawl.member()).await;
    crawl.run().await;
    crawl.assert_complete(crawl.member()).await;
    assert_eq!(crawl.relay(crawl.member()).await.sync_failures, 0);
}

#[tokio::test]
async fn a_relay_that_fights_scrapers_is_asked_about_the_authors_that_use_it() {
    let mut generator = Generator::new(4);
    let users: Vec<_> = (0..60).map(|_| generator.author()).collect();
    let stranger = generator.author();
    let note = |author: &Author, at: u64| author.sign(Kind::TEXT_NOTE, at, Vec::new(), "hello");
    let users_notes = users.iter().zip(NOW - 5_000..);
    let mut notes: Vec<_> = users_notes.map(|(user, at)| note(user, at)).collect();
    notes.push(note(&stranger, NOW - 5_000));
    let member = MemberPlan::new(Behaviour::RefusesScraping).own_events(notes);
    let crawl = Crawl::of_one(member, 0).await;
    let member = crawl.member();
    let url = member.url().to_string();
    let list = |user: &Author| {
        let tags = vec![vec!["r".to_owned(), url.clone()]];
        user.sign(Kind(10_002), NOW - 9_000, tags, "")
    };
    let lists = users.iter().map(list).collect();
    let door = Door::Import(None);
    crawl.archive.admit_events(lists, door).await.unwrap();

    let summary = crawl.cycle().await;
    assert_eq!(summary.count("synced_relays"), 1);
    assert_eq!(crawl.seen_on(member).await.len(), 60);
    // The broad question, and what it takes to walk over those of two batches.
    let asked = member.seen().reqs.len();
    assert!(asked <= 7, "{asked}");
    let gap = (0, NOW, GapReason::Blocked);
    assert_eq!(crawl.gap_ranges(member).await, [gap]);

    // It is remembered, and what is covered is not asked for again.
    let later = note(&users[3], NOW + 10);
    member.publish(later.clone()).await.unwrap();
    crawl.wait_for_turn_of(member).await;
    crawl.cycle().await;
    assert!(crawl.seen_on(member).await.contains(&later.id()));
    let reqs = member.seen().reqs.split_off(asked);
    assert_eq!(reqs.len(), 2);
    let mut filters = reqs.iter().flat_map(|req| &req.filters);
    assert!(filters.all(|filter| filter.since > Some(NOW - 3_600)));
}

#[tokio::test]
async fn a_relay_that_fights_scrapers_is_asked_about_the_authors_that_were_seen_on_it() {
    let mut generator = Generator::new(4);
    let users: Vec<_> = (0..3).map(|_| generator.author()).collect();
    let sign = |(number, user): (usize, &Author)| {
        let at = NOW - 5_000 + number as u64;
        user.sign(Kind::TEXT_NOTE, at, Vec::new(), "hello")
    };
    let notes: Vec<_> = users
        .iter()
        .cycle()
        .take(30)
        .enumerate()
        .map(sign)
        .collect();
    let member = MemberPlan::new(Behaviour::RefusesScraping).own_events(notes.clone());
    let crawl = Crawl::of_one(member, 0).await;
    let member = crawl.member();
    // The relay had shown some before it began to refuse; somebody else shows up elsewhere only.
    let door = Door::Crawl(crawl.relay(member).await.id);
    let shown = notes[..2].to_vec();
    crawl.archive.admit_events(shown, door).await.unwrap();
    let elsewhere = Door::Import(None);
    let others = notes[2..3].to_vec();
    crawl.archive.admit_events(others, elsewhere).await.unwrap();

    crawl.cycle().await;
    assert_eq!(crawl.seen_on(member).await.len(), 20);
    let reqs = member.seen().reqs;
    let narrow = reqs.iter().flat_map(|req| &req.filters).skip(1);
    let mut authors = [users[1].pubkey(), users[0].pubkey()];
    authors.sort_unstable();
    assert!(
        narrow
            .map(|filter| filter.authors.clone())
            .all(|asked| asked.as_deref() == Some(&authors))
    );
}

#[tokio::test]
async fn who_blocks_us_is_left_alone_for_days() {
    let crawl = Crawl::of_behaviour(Behaviour::RefusesScraping, 100).await;
    crawl.cycle().await;
    let relay = crawl.relay(crawl.member()).await;
    assert!(relay.next_sync_at > NOW + 5 * 86_400);
}

#[tokio::test]
async fn one_relay_may_be_asked_for_something_else() {
    let plan = FleetPlan::new(5)
        .events(600)
        .member(MemberPlan::new(Behaviour::NeedsKinds))
        .member(MemberPlan::new(Behaviour::Honest));
    let mut crawl = Crawl::of(plan).await;
    let notes = Filter {
        kinds: Some(vec![Kind::TEXT_NOTE]),
        ..Filter::default()
    };
    let processing = ProcessingOverrides {
        filters: Some(vec![notes.clone()]),
        limit: Some(50),
        ..ProcessingOverrides::default()
    };
    crawl.config.overrides = vec![SyncOverride {
        url: crawl.member().url().clone(),
        timeouts: TimeoutOverrides::default(),
        processing,
    }];
    crawl.run().await;
    let (choosy, plain) = (crawl.fleet.member(0), crawl.fleet.member(1));
    crawl.assert_complete(plain).await;
    let covered = crawl.coverage_of(choosy, &notes).await;
    assert_eq!((covered.len(), covered[0].from), (1, 0));
    let reqs = choosy.seen().reqs;
    let mut filters = reqs.iter().flat_map(|req| &req.filters);
    assert!(filters.all(|filter| filter.limit <= Some(50)));
}
