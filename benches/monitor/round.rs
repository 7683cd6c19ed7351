//! One round of the monitor over a crowd that it has never seen.

use fleet::Fleet;
use tokio::runtime::Runtime;

use super::crowd::{self, Crowd};
use super::{configure, pass, reader};

/// Above the lines of [`measure`].
pub(crate) const HEAD: &str = "relays               wall s   CPU ms/healthy   besides map MB   sockets   cores left\n\
     to reach                 60                8              200";

/// Seeds the relays, checks them once, and compares what is served then with who answers.
pub(crate) fn measure(runtime: &Runtime, crowd: &Crowd) -> String {
    let fleet = runtime.block_on(Fleet::start(crowd.plan.clone()));
    let fleet = fleet.expect("loopback has ports");
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let seeds = directory.path().join("seeds.txt");
    let seeder = format!(
        "seed: {{file_path: {}, to_validate: false}}\n",
        seeds.display()
    );
    let services = [("seeder", seeder), ("monitor", "{}\n".to_owned())];
    let paths = configure(&fleet, directory.path(), &services);
    pass::run(&paths, "seeder");
    let usage = pass::run(&paths, "monitor");
    let (served, expected) = (
        runtime.block_on(reader::served(&paths)),
        crowd::that_answer(&fleet),
    );
    runtime.block_on(fleet.stop());
    let differences: Vec<&String> = served.symmetric_difference(&expected).take(3).collect();
    assert!(
        differences.is_empty(),
        "{} are served and {} answer, e.g. {differences:?}",
        served.len(),
        expected.len()
    );
    format!(
        "{:>5} {:<12} {:>8.1} {:>16.2} {:>16.1} {:>9} {:>12.2}",
        crowd.plan.members.len(),
        crowd.name,
        usage.wall.as_secs_f64(),
        usage.cpu_seconds * 1e3 / expected.len() as f64,
        usage.peak_kb as f64 / 1_024.0,
        usage.peak_sockets,
        usage.cores_left,
    )
}
