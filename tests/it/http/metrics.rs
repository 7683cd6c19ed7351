//! `/metrics`: on its own port only, in Prometheus' format, with the families that dashboards know.

use super::client::get;
use super::exposition::{Family, parse};
use crate::cli::import::lines;
use crate::cli::operator::Operator;

/// Names of services that a family tells of.
fn services(family: &Family) -> Vec<&str> {
    let mut services: Vec<&str> = family
        .samples
        .iter()
        .map(|sample| sample.labels["service"].as_str())
        .collect();
    services.sort_unstable();
    services.dedup();
    services
}

#[test]
fn every_service_has_the_four_families_from_the_start() {
    let operator = Operator::offline();
    operator.write("a.jsonl", lines(10));
    operator.done(&["import", "--relay", "wss://relay.example.com", "a.jsonl"]);
    let mut running = operator.start(&["run"]);
    running.address("relay");
    assert_eq!(get(operator.public_address(), "/metrics").status, 404);
    let response = get(operator.metrics_address(), "/metrics");
    assert_eq!(response.status, 200);
    assert_eq!(
        response.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let families = parse(&response.body);
    let with_cycles = [
        "finder",
        "monitor",
        "refresher",
        "seeder",
        "synchronizer",
        "validator",
    ];
    for name in [
        "service_gauge",
        "service_counter_total",
        "cycle_duration_seconds",
    ] {
        assert_eq!(services(&families[name]), with_cycles, "{name}");
    }
    assert_eq!(
        services(&families["service_info"]).len(),
        7,
        "the relay is a role too"
    );
    let version = &families["service_info"].samples[0].labels["version"];
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    let bounds = families["cycle_duration_seconds"].samples.iter();
    let bounds = bounds.filter(|sample| sample.labels["service"] == "finder");
    let bounds: Vec<&str> = bounds
        .filter_map(|sample| sample.labels.get("le"))
        .map(String::as_str)
        .collect();
    let known = [
        "1", "5", "10", "30", "60", "120", "300", "600", "1800", "3600", "+Inf",
    ];
    assert_eq!(bounds, known);
    // The monitor may have published already.
    assert!(families["bigbrotr_events"].samples[0].value >= 10.0);
    assert_eq!(families["bigbrotr_relays"].samples[0].value, 1.0);
    assert!(families.contains_key("process_resident_memory_bytes"));
    let ours = families.keys().filter(|name| name.starts_with("bigbrotr_"));
    assert!(ours.count() > 10);
    assert!(running.stop().success());
}

#[test]
fn cycles_are_counted_by_how_they_ended() {
    let operator = Operator::offline();
    operator.write(
        "config/services/seeder.yaml",
        "interval: 1\nseed: {file_path: missing.txt}\n",
    );
    let mut running = operator.start(&["run", "--roles", "seeder,refresher"]);
    running.wait_for("one success and one failure", |said| {
        let is_both = said.contains("cycle_completed") && said.contains("run_cycle_error");
        is_both.then_some(())
    });
    let families = parse(&get(operator.metrics_address(), "/metrics").body);
    let value = |family: &str, service: &str, name: &str| {
        let samples = families[family].samples.iter();
        let mut found = samples
            .filter(|sample| sample.labels["service"] == service && sample.labels["name"] == name);
        found.next().map(|sample| sample.value)
    };
    let counter = |service, name| value("service_counter_total", service, name);
    assert!(counter("seeder", "cycles_failed") >= Some(1.0));
    assert_eq!(counter("seeder", "cycles_success"), Some(0.0));
    assert!(
        counter("seeder", "errors_file") >= Some(1.0),
        "{:?}",
        families["service_counter_total"]
    );
    assert!(value("service_gauge", "seeder", "consecutive_failures") >= Some(1.0));
    assert!(counter("refresher", "cycles_success") >= Some(1.0));
    assert_eq!(counter("refresher", "cycles_failed"), Some(0.0));
    let counts = families["cycle_duration_seconds"].samples.iter();
    let mut counts = counts
        .filter(|sample| sample.suffix == "_count" && sample.labels["service"] == "refresher");
    assert!(counts.next().unwrap().value >= 1.0);
    assert!(running.stop().success());
}
