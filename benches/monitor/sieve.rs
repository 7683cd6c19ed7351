//! A directory that is almost all junk, through finder and validator.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::{Command, Stdio};

use fleet::{
    Access, Behaviour, Certificate, ConfigPaths, DnsAnswer, Fleet, FleetPlan, Information, Member,
    MemberPlan,
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::directory::{self, MEMBERS_OF_A_KIND};
use super::{configure, pass};

/// URLs under one domain that the finder takes, unless it is told otherwise.
const DOMAIN_CAP: usize = 500;

/// URLs that the finder reads of one directory.
const MAX_URLS_OF_A_DIRECTORY: usize = 50_000;

/// The largest directory that the finder can be made to read.
const MAX_DIRECTORY_BYTES: usize = 50 << 20;

/// Lets the finder read the directory and the validator try what it took in.
pub(crate) fn measure(runtime: &Runtime, candidates: usize) -> String {
    let fleet = runtime.block_on(Fleet::start(plan(candidates)));
    let fleet = fleet.expect("loopback has ports");
    let wildcards = directory::wildcards(candidates);
    let urls = directory::urls(&fleet, candidates);
    let publisher = runtime.block_on(Fleet::start(publisher(&urls)));
    let publisher = publisher.expect("loopback has ports");
    resolve_wildcards(&publisher, wildcards);

    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let paths = configured(&publisher, folder.path());
    let found = pass::run(&paths, "finder");
    let validated = pass::run(&paths, "validator");
    runtime.block_on(fleet.stop());
    runtime.block_on(publisher.stop());

    let status = status(&paths);
    let (relays, waiting) = (count(&status, "relays"), count(&status, "candidates"));
    let taken = candidates - wildcards + wildcards.min(DOMAIN_CAP);
    assert_eq!(relays, relays_among(candidates), "relays: {status}");
    assert_eq!(relays + waiting, taken, "candidates: {status}");
    let line = |name, usage: &pass::Usage| {
        format!(
            "{name:<10} {:>8.1} s, {:>6.1} s of CPU, {:>6.1} MB besides the map, {:>4} sockets at most (to reach: 200), {:.2} cores left\n",
            usage.wall.as_secs_f64(),
            usage.cpu_seconds,
            usage.peak_kb as f64 / 1_024.0,
            usage.peak_sockets,
            usage.cores_left,
        )
    };
    format!(
        "{candidates} URLs, {wildcards} under one wildcard: {taken} taken in, {relays} promoted, {waiting} put off\n{}{}",
        line("finder", &found),
        line("validator", &validated),
    )
}

fn plan(candidates: usize) -> FleetPlan {
    let relays = (0..relays_among(candidates)).map(|_| MemberPlan::empty());
    let junk = [Behaviour::Silent, Behaviour::HttpOnly { status: 200 }];
    let junk = junk
        .into_iter()
        .flat_map(|kind| std::iter::repeat_n(MemberPlan::new(kind), MEMBERS_OF_A_KIND));
    relays
        .chain(junk)
        .fold(FleetPlan::new(1), FleetPlan::member)
}

fn relays_among(candidates: usize) -> usize {
    candidates * directory::RELAYS / 1_000
}

/// Web servers, each with a part of the list. They have to have names: no directory is read from a loopback address.
fn publisher(urls: &[String]) -> FleetPlan {
    let member = |part: &[String]| {
        let file = Information::File(json!(part).to_string().into_bytes());
        let member = MemberPlan::empty().access(Access::Tls(Certificate::Valid));
        member.information(file)
    };
    let parts = urls.chunks(MAX_URLS_OF_A_DIRECTORY);
    parts.map(member).fold(FleetPlan::new(2), FleetPlan::member)
}

/// Whoever resolves one of these names is led to an address that must not be dialled.
fn resolve_wildcards(fleet: &Fleet, wildcards: usize) {
    for index in 0..wildcards {
        let nowhere = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
        let answer = DnsAnswer::Addresses(nowhere);
        fleet.dns().set(&directory::wildcard_name(index), answer);
    }
}

fn configured(publisher: &Fleet, folder: &Path) -> ConfigPaths {
    let members = publisher.members().iter();
    let source = |member: &Member| json!({"url": format!("https://{}/", member.host())});
    let sources: Vec<Value> = members.map(source).collect();
    let finder = json!({
        "events": {"enabled": false},
        "api": {"max_response_size": MAX_DIRECTORY_BYTES, "sources": sources},
    });
    let services = [
        ("finder", finder.to_string()),
        ("validator", "{}\n".to_owned()),
    ];
    configure(publisher, folder, &services)
}

fn status(paths: &ConfigPaths) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_bigbrotr"))
        .args(["status", "--json"])
        .args(paths.arguments())
        .stderr(Stdio::inherit())
        .output();
    let output = output.expect("the program was built");
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}

/// The sum over the networks.
fn count(status: &Value, what: &str) -> usize {
    let rows = status[what].as_array().into_iter().flatten();
    let counts = rows.filter_map(|row| row[what].as_u64());
    counts.sum::<u64>() as usize
}
