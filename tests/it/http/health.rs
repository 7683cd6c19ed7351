//! `/health/live` and `/health/ready` on both ports.

use std::time::Duration;

use bigbrotr::model::ServiceName;
use serde_json::json;

use super::client::get;
use super::served::{serve, serve_from_index};
use crate::archive::given::NOW;
use crate::cli::operator::Operator;

#[test]
fn a_process_that_works_is_live_and_ready() {
    let operator = Operator::offline();
    let mut running = operator.start(&["run"]);
    running.address("relay");
    for address in [operator.public_address(), operator.metrics_address()] {
        let live = get(address, "/health/live");
        assert_eq!((live.status, live.json()), (200, json!({"status": "live"})));
        let ready = get(address, "/health/ready");
        assert_eq!(ready.header("content-type"), "application/json");
        let expected = json!({"status": "ready", "reasons": []});
        assert_eq!((ready.status, ready.json()), (200, expected));
    }
    assert!(running.stop().success());
}

#[test]
fn a_service_that_has_not_succeeded_for_too_long_is_named() {
    let served = serve();
    let day = Duration::from_secs(86_400);
    let meter = served
        .metrics
        .service
        .meter(ServiceName::Monitor, Some(day), NOW);
    meter.cycle_failed("full");
    assert_eq!(get(served.public, "/health/ready").status, 200);
    served.clock.advance(3 * day.as_secs() + 1);
    for address in [served.public, served.metrics_port] {
        let ready = get(address, "/health/ready");
        assert_eq!(ready.status, 503);
        let reasons = json!([{
            "part": "monitor",
            "reason": "no successful cycle for 259201 s, expected every 86400 s",
            "consecutive_failures": 1,
        }]);
        assert_eq!(
            ready.json(),
            json!({"status": "not ready", "reasons": reasons})
        );
        assert_eq!(get(address, "/health/live").status, 200);
    }
    meter.cycle_succeeded(Duration::ZERO, NOW + 3 * day.as_secs());
    assert_eq!(get(served.public, "/health/ready").status, 200);
}

#[test]
fn a_relay_whose_serving_index_is_behind_says_how_far_it_is() {
    let served = serve_from_index();
    let answers = |part| format!("bigbrotr_relay_serving_index_answering{{part=\"{part}\"}} 1");
    for address in [served.public, served.metrics_port] {
        let ready = get(address, "/health/ready");
        let reasons = json!([{
            "part": "serving index",
            "reason": "0 of about 0 events loaded",
            "loaded": 0,
            "expected": 0,
        }]);
        let expected = json!({"status": "not ready", "reasons": reasons});
        assert_eq!((ready.status, ready.json()), (503, expected));
    }
    let metrics = || get(served.metrics_port, "/metrics").body;
    assert!(metrics().contains(&answers("archive")));
    served.feed_index();
    assert_eq!(get(served.public, "/health/ready").status, 200);
    assert!(metrics().contains(&answers("index")));
}

#[test]
fn a_store_that_is_gone_is_named_and_nothing_of_it_is_shown() {
    let served = serve();
    served.lose_store();
    let ready = get(served.public, "/health/ready");
    assert_eq!(ready.status, 503);
    assert_eq!(
        ready.json()["reasons"],
        json!([{"part": "store", "reason": "closed"}])
    );
    assert_eq!(get(served.public, "/health/live").status, 200);
    for path in ["/", "/api/v1/status"] {
        let failed = get(served.public, path);
        let expected = (503, json!({"error": "store-unavailable"}));
        assert_eq!((failed.status, failed.json()), expected, "{path}");
    }
    // What was counted in this process is worth more than an error.
    assert_eq!(get(served.metrics_port, "/metrics").status, 200);
}
