//! Two synchronizers on one database, as processes of their own, one of which is killed or stands still.

use std::time::{Duration, Instant};

use fleet::{Behaviour, Fleet, FleetPlan, MemberPlan};
use tempfile::TempDir;

use super::operator::{self, Operator, ids};
use crate::postgres::server::Database;
use crate::program::{PATIENCE, Program};

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

/// Two processes at work on relays that answer slowly.
struct AtWork {
    fleet: Fleet,
    database: Database,
    directory: TempDir,
}

impl AtWork {
    async fn prepare() -> Self {
        let slow = MemberPlan::new(Behaviour::Unanswered { every: 3 });
        let plan = FleetPlan::new(31).events(500);
        let plan = (0..RELAYS).fold(plan, |plan, _| plan.member(slow.clone()));
        Self {
            fleet: Fleet::start(plan).await.unwrap(),
            database: Database::create().await,
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn operator(&self) -> Operator<'_> {
        let operator = Operator::new(&self.fleet, &self.database, self.directory.path());
        let settings = operator.paths.config.join("services/synchronizer.yaml");
        std::fs::write(settings, SETTINGS).unwrap();
        operator
    }

    /// Starts both, and returns when each of them is at work.
    async fn start(&self, operator: &Operator<'_>) -> [Program; 2] {
        let mut programs = [(); 2].map(|()| operator.start("synchronizer"));
        // Work comes when both look for it: otherwise the first may have done it all.
        tokio::task::block_in_place(|| {
            for program in &mut programs {
                program.wait_for("a cycle", |said| {
                    said.contains("cycle_completed").then_some(())
                });
            }
        });
        operator::add_relays(&self.fleet, &self.database).await;
        let members = self.fleet.members();
        let open = || members.iter().map(|m| m.seen().open_connections);
        until(|| open().sum::<usize>() > WIDTH, PATIENCE).await;
        programs
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_is_visited_by_one_and_a_killed_ones_are_taken_over() {
    let at_work = AtWork::prepare().await;
    let operator = at_work.operator();
    let [mut killed, survivor] = at_work.start(&operator).await;
    killed.signal("KILL");
    let killed_at = Instant::now();
    let union = at_work.fleet.union_of_valid_events();
    tokio::task::block_in_place(|| {
        killed.wait();
        operator.wait_for_events(union.len() as u64);
        assert!(killed_at.elapsed() < TAKEN_OVER_WITHIN);
        assert!(survivor.stop().success());
    });

    for member in at_work.fleet.members() {
        assert_eq!(member.seen().peak_connections, 1, "{}", member.name());
    }
    let archived = ids(&operator.run(&["export"]));
    assert!(archived == union);
    at_work.fleet.stop().await;
}

/// As one does whose machine sleeps: it wakes up with leases that are another's.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_stood_still_lets_go_of_what_another_has_taken() {
    let at_work = AtWork::prepare().await;
    let operator = at_work.operator();
    let [mut still, survivor] = at_work.start(&operator).await;
    still.signal("STOP");
    // Its connections stay, and the other process opens one beside them.
    let members = at_work.fleet.members();
    let is_taken_over = || members.iter().any(|m| m.seen().open_connections > 1);
    until(is_taken_over, TAKEN_OVER_WITHIN).await;
    still.signal("CONT");
    let union = at_work.fleet.union_of_valid_events();
    tokio::task::block_in_place(|| {
        still.wait_for("the loss", |said| said.contains("lease_lost").then_some(()));
        operator.wait_for_events(union.len() as u64);
        assert!(still.stop().success());
        assert!(survivor.stop().success());
    });

    let archived = ids(&operator.run(&["export"]));
    assert!(archived == union);
    at_work.fleet.stop().await;
}

async fn until(is_so: impl Fn() -> bool, patience: Duration) {
    let deadline = Instant::now() + patience;
    while !is_so() {
        assert!(Instant::now() < deadline, "not within {patience:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
