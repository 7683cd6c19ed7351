//! One endpoint: whatever is not there is a 404, for browsers and for clients.

use super::client::{KEY, VERSION, get, request, upgrade};
use super::served::serve;

#[test]
fn other_paths_are_not_there_for_anybody() {
    let served = serve();
    for path in [
        "/relay",
        "/index.html",
        "/metrics",
        "/api/v1",
        "/health",
        "//",
        "/health/live/",
        "/%2e%2e/",
    ] {
        let missing = get(served.public, path);
        assert_eq!(missing.status, 404, "{path}");
        assert_eq!(missing.json()["error"], "not-found");
        assert_eq!(
            upgrade(served.public, path, &[KEY, VERSION]),
            "HTTP/1.1 404 Not Found"
        );
    }
    assert_eq!(
        upgrade(served.public, "/", &[KEY, VERSION]),
        "HTTP/1.1 101 Switching Protocols"
    );
    for path in ["/", "/relay", "/api/v2/status"] {
        assert_eq!(get(served.metrics_port, path).status, 404, "{path}");
    }
    assert_eq!(
        upgrade(served.metrics_port, "/", &[KEY, VERSION]),
        "HTTP/1.1 404 Not Found"
    );
}

#[test]
fn half_an_upgrade_is_refused_and_not_taken_for_a_browser() {
    let served = serve();
    for headers in [&[VERSION][..], &[KEY, "Sec-WebSocket-Version: 8"]] {
        assert_eq!(
            upgrade(served.public, "/", headers),
            "HTTP/1.1 400 Bad Request"
        );
    }
}

#[test]
fn other_methods_are_refused() {
    let served = serve();
    for line in [
        "POST /",
        "DELETE /",
        "PUT /health/live",
        "POST /api/v1/status",
    ] {
        assert_eq!(
            request(served.public, line, &["Content-Length: 0"]).status,
            405,
            "{line}"
        );
    }
}

#[test]
fn the_figures_are_on_both_ports() {
    let served = serve();
    for address in [served.public, served.metrics_port] {
        let figures = get(address, "/api/v1/status");
        assert_eq!(figures.status, 200);
        assert_eq!(figures.json()["events"]["events"], 0);
    }
}
