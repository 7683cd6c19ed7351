//! Two synchronizers on one database, as processes of their own, one of which is killed.

use std::time::{Duration, Instant};

use fleet::{Behaviour, Fleet, FleetPlan, MemberPlan};

use super::operator::{self, Operator, ids};
use crate::postgres::server::Database;
use crate::program::PATIENCE;

const RELAYS: usize = 18;

/// Relays that one process works on at once: more connections than these are of both.
const WIDTH: usize = 8;

/// The lease is as short as can be configured, so that the test is too. With the default the same takes a
/// minute.
const SETTINGS: &str = "interval: 2
lease: 2
timeouts: {idle: 1}
processing: {limit: 60}
networks: {local: {max_tasks: 8}}
";

/// The lease, the pause between two cycles, and some for the work itself.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_is_visited_by_one_and_a_killed_ones_are_taken_over() {
    let slow = MemberPlan::new(Behaviour::Unanswered { every: 3 });
    let plan = FleetPlan::new(31).events(500);
    let plan = (0..RELAYS).fold(plan, |plan, _| plan.member(slow.clone()));
    let fleet = Fleet::start(plan).await.unwrap();
    let database = Database::create().await;
    let directory = tempfile::tempdir().unwrap();
    let operator = Operator::new(&fleet, &database, directory.path());
    let settings = operator.paths.config.join("services/synchronizer.yaml");
    std::fs::write(settings, SETTINGS).unwrap();

    let [mut killed, mut survivor] = [(); 2].map(|()| operator.start("synchronizer"));
    // Work comes when both look for it: otherwise the first may have done it all.
    tokio::task::block_in_place(|| {
        for program in [&mut killed, &mut survivor] {
            program.wait_for("a cycle", |said| {
                said.contains("cycle_completed").then_some(())
            });
        }
    });
    operator::add_relays(&fleet, &database).await;
    let open = || fleet.members().iter().map(|m| m.seen().open_connections);
    until(|| open().sum::<usize>() > WIDTH, PATIENCE).await;
    killed.signal("KILL");
    let killed_at = Instant::now();
    let union = fleet.union_of_valid_events();
    tokio::task::block_in_place(|| {
        killed.wait();
        operator.wait_for_events(union.len() as u64);
        assert!(killed_at.elapsed() < TAKEN_OVER_WITHIN);
        assert!(survivor.stop().success());
    });

    for member in fleet.members() {
        assert_eq!(member.seen().peak_connections, 1, "{}", member.name());
    }
    let archived = ids(&operator.run(&["export"]));
    assert!(archived == union);
    fleet.stop().await;
}

async fn until(is_so: impl Fn() -> bool, patience: Duration) {
    let deadline = Instant::now() + patience;
    while !is_so() {
        assert!(Instant::now() < deadline, "not within {patience:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
