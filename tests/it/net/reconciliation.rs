//! NEG-OPEN to the difference between two sets.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bigbrotr::net::{OpenOptions, Outcome, ReconcileOptions, ReconcileReport, Reconciled};
use fleet::{Behaviour, Member, MemberPlan, Syncing};
use nips::nip77::{Element, SyncSet};
use nips::{EventId, Filter};

use super::{Lab, soon};

/// A silence that a busy machine does not reach by itself.
const SILENCE: Duration = Duration::from_secs(2);

/// An id that no member holds.
const FOREIGN: EventId = EventId([9; 32]);

/// Half of what the member holds, and one event that it does not.
fn half_of(lab: &Lab, member: &Member) -> (Arc<SyncSet>, HashSet<EventId>) {
    let held = member.holds();
    let (mut elements, mut missing) = (Vec::new(), HashSet::new());
    for (position, event) in lab.fleet.events().iter().enumerate() {
        if !held.contains(&event.id()) {
            continue;
        }
        if position % 2 == 0 {
            missing.insert(event.id());
        } else {
            elements.push(Element {
                created_at: event.created_at(),
                id: event.id(),
            });
        }
    }
    elements.push(Element {
        created_at: 1_700_000_000,
        id: FOREIGN,
    });
    (Arc::new(SyncSet::new(elements)), missing)
}

async fn compare(lab: &Lab, max_missing: usize) -> ReconcileReport {
    let (set, _) = half_of(lab, lab.member());
    let session = lab.net.open(lab.url(), soon(), OpenOptions::default());
    let mut session = session.await.expect("the member accepts connections");
    let options = ReconcileOptions {
        deadline: soon(),
        max_silence: SILENCE,
        max_bytes: 1 << 20,
        max_missing,
    };
    session.reconcile(&Filter::default(), &set, options).await
}

#[tokio::test]
async fn the_difference_to_a_relay_that_others_wrote_is_found() {
    let ours = Behaviour::Syncs(Syncing::Honest { max_events: 1_000 });
    for behaviour in [Behaviour::Healthy, ours] {
        let lab = Lab::of(MemberPlan::new(behaviour)).await;
        let (_, missing) = half_of(&lab, lab.member());
        let report = compare(&lab, 1_000).await;
        let Reconciled::Finished(difference) = report.outcome else {
            panic!("{report:?}");
        };
        assert!(!missing.is_empty());
        assert_eq!(difference.missing_here, missing);
        assert_eq!(difference.missing_there, HashSet::from([FOREIGN]));
        assert!(report.rounds >= 1 && report.received_bytes > 64 * missing.len() as u64);
    }
}

#[tokio::test]
async fn a_set_that_is_too_large_is_not_a_refusal() {
    for (max_events, max_missing) in [(10, 1_000), (1_000, 3)] {
        let syncing = Syncing::Honest { max_events };
        let lab = Lab::of(MemberPlan::new(Behaviour::Syncs(syncing))).await;
        let report = compare(&lab, max_missing).await;
        assert_eq!(report.outcome, Reconciled::TooMany);
    }
}

#[tokio::test]
async fn no_other_ending_looks_like_an_end() {
    for (behaviour, ending) in [
        (Behaviour::Honest, "refused"),
        (Behaviour::Syncs(Syncing::Puzzled), "refused"),
        (Behaviour::Syncs(Syncing::Tired { after: 0 }), "refused"),
        (Behaviour::Syncs(Syncing::Mute), "timed_out"),
        (Behaviour::Syncs(Syncing::Garbled), "garbage"),
        (Behaviour::ImmediateDisconnect, "disconnected"),
    ] {
        let lab = Lab::of(MemberPlan::new(behaviour.clone())).await;
        let report = compare(&lab, 1_000).await;
        assert_eq!(report.outcome.as_str(), ending, "{behaviour:?}");
    }
    let timed_out = Reconciled::Failed(Outcome::TimedOut);
    assert_eq!(timed_out.as_str(), "timed_out");
}
