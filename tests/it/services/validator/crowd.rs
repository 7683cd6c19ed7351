//! Many candidates, nearly all of them junk: put off quickly, and never with many sockets open.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bigbrotr::model::NewCandidate;
use fleet::{Behaviour, FleetPlan, MemberPlan};
use nips::{LocalRelays, RelayUrl};

use super::super::given::{Given, NOW, SHORT, cycle};
use super::validator;

/// Sockets of this process. The laboratory lives in it too, so a connection counts twice.
fn open_sockets() -> usize {
    let files = std::fs::read_dir("/proc/self/fd").unwrap();
    let targets = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    targets
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .count()
}

fn named(url: &str) -> NewCandidate {
    NewCandidate {
        url: RelayUrl::parse_with(url, LocalRelays::Accepted).unwrap(),
        source: "hint".to_owned(),
        discovered_at: NOW,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_junk_is_put_off_with_few_sockets() {
    let mut plan = FleetPlan::new(1);
    for _ in 0..45 {
        plan = plan.member(MemberPlan::empty());
    }
    for _ in 0..15 {
        plan = plan.member(MemberPlan::new(Behaviour::Silent));
    }
    let given = Given::within(SHORT * 3, plan).await;
    // Addresses at which nobody listens, and names that do not exist.
    let refused = (0..1_400).map(|number| {
        let (high, low) = (number / 250, number % 250);
        named(&format!("ws://127.77.{high}.{}:9", low + 1))
    });
    let gone = (0..540).map(|number| named(&format!("wss://r{number}.gone.nostr-lab.net")));
    let junk: Vec<NewCandidate> = refused.chain(gone).collect();
    given.store().add_candidates(&junk, NOW).await.unwrap();
    given.name_all().await;

    let before = open_sockets();
    let (most, is_over) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let watch = {
        let (most, is_over) = (Arc::clone(&most), Arc::clone(&is_over));
        tokio::task::spawn_blocking(move || {
            while !is_over.load(Ordering::Relaxed) {
                most.fetch_max(open_sockets(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(5));
            }
        })
    };
    let summary = cycle(&validator(&given.context)).await;
    is_over.store(true, Ordering::Relaxed);
    watch.await.unwrap();

    assert_eq!(summary.count("total"), 2_000);
    assert_eq!(summary.count("validated"), 45);
    assert_eq!(given.relay_urls().await.len(), 45);
    let left = given.candidates().await;
    assert!(
        left.iter()
            .all(|left| left.failures == 1 && left.next_attempt_at > NOW)
    );
    let most = most.load(Ordering::Relaxed).saturating_sub(before);
    assert!(most <= 200, "{most} sockets at once");
}
