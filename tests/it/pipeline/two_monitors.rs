//! Two monitors on one database, as processes of their own, one of which is killed.

use std::time::Instant;

use fleet::{Behaviour, Fleet, FleetPlan, MemberPlan};
use sqlx::PgConnection;

use super::operator::{self, Operator};
use crate::postgres::server::{Database, count};
use crate::program::PATIENCE;

const RELAYS: usize = 24;

/// Relays that one process checks at once: more than these are of both.
const WIDTH: i64 = 8;

/// A silent relay takes all the time that it may; whoever was checked is not due again in this test.
const SETTINGS: &str = "interval: 1
lease: 2
discovery: {interval: 3600}
networks: {local: {max_tasks: 8}}
";

const LEASED: &str = "SELECT count(*) FROM relay_lease WHERE work = 'check'";
const WORKERS: &str = "SELECT count(DISTINCT worker) FROM relay_lease WHERE work = 'check'";
const CHECKED: &str = "SELECT count(DISTINCT relay_id) FROM relay_rtt";
const CHECKS: &str = "SELECT count(*) FROM relay_rtt";

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_is_checked_by_one_and_a_killed_ones_are_taken_over() {
    let plan = (0..RELAYS).fold(FleetPlan::new(37), |plan, _| {
        plan.member(MemberPlan::new(Behaviour::Silent))
    });
    let fleet = Fleet::start(plan).await.unwrap();
    let database = Database::create().await;
    let directory = tempfile::tempdir().unwrap();
    let operator = Operator::new(&fleet, &database, directory.path());
    let settings = operator.paths.config.join("services/monitor.yaml");
    std::fs::write(settings, SETTINGS).unwrap();

    let [mut killed, mut survivor] = [(); 2].map(|()| operator.start("monitor"));
    // Work comes when both look for it: otherwise the first may have done it all.
    tokio::task::block_in_place(|| {
        for program in [&mut killed, &mut survivor] {
            program.wait_for("a cycle", |said| {
                said.contains("cycle_completed").then_some(())
            });
        }
    });
    operator::add_relays(&fleet, &database).await;
    let mut connection = database.connect().await;
    until(&mut connection, WORKERS, |workers| workers == 2).await;
    until(&mut connection, LEASED, |leased| leased > WIDTH).await;
    killed.signal("KILL");
    tokio::task::block_in_place(|| killed.wait());
    until(&mut connection, CHECKED, |checked| checked == RELAYS as i64).await;
    assert!(tokio::task::block_in_place(|| survivor.stop().success()));
    assert_eq!(count(&mut connection, CHECKS).await, RELAYS as i64);
    fleet.stop().await;
}

/// Waits until a count is as it should be.
async fn until(connection: &mut PgConnection, query: &str, is_so: impl Fn(i64) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let counted = count(connection, query).await;
        if is_so(counted) {
            return;
        }
        assert!(Instant::now() < deadline, "{query}: {counted}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
