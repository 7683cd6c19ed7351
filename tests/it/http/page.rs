//! What a browser sees on `/`.

use super::client::{get, request};
use crate::cli::import::lines;
use crate::cli::operator::Operator;

#[test]
fn a_browser_reads_what_runs_what_is_known_and_how_to_subscribe() {
    let operator = Operator::offline();
    operator.write("a.jsonl", lines(1_234));
    operator.done(&["import", "--relay", "wss://relay.example.com", "a.jsonl"]);
    operator.done(&["seeder", "--once"]);
    let mut running = operator.start(&["run", "--roles", "refresher,relay"]);
    running.address("relay");
    let address = operator.public_address();
    let browser = "Accept: text/html,application/xhtml+xml,*/*;q=0.8";
    let page = request(address, "GET /", &[browser]);
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(
        page.header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("vary"), "accept");
    for part in [
        "<h1>BigBrotr</h1>",
        "Running here: refresher, relay",
        "<b>1,234</b><span>events archived</span>",
        "<b>1</b><span>relays that speak Nostr</span>",
        "<tr><td>clearnet</td>",
        "<tr><td>seeder</td>",
        &format!("websocat ws://{address}"),
        "[\"REQ\",\"notes\"",
        &format!("curl -H 'Accept: application/nostr+json' http://{address}"),
    ] {
        assert!(page.body.contains(part), "{part}\n{}", page.body);
    }
    assert!(!page.body.contains("<script"));
    let head = request(address, "HEAD /", &[]);
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(running.stop().success());
}

#[test]
fn an_empty_archive_says_so_plainly() {
    let operator = Operator::offline();
    let mut running = operator.start(&["relay"]);
    running.address("relay");
    let page = get(operator.public_address(), "/").body;
    assert!(page.contains("No relay has answered yet."), "{page}");
    assert!(page.contains("None has finished yet."), "{page}");
    assert!(running.stop().success());
}

#[test]
fn what_the_operator_wrote_is_text_and_no_markup() {
    let operator = Operator::offline();
    operator.write_relay(
        "public_url: wss://archive.example.com\n\
         info: {name: '<b>Bob & Co</b>', description: '\"<script>alert(1)</script>\"'}\n",
    );
    let mut running = operator.start(&["relay"]);
    assert_eq!(running.address("relay"), "wss://archive.example.com");
    let page = get(operator.public_address(), "/").body;
    assert!(
        page.contains("<title>&lt;b&gt;Bob &amp; Co&lt;/b&gt;</title>"),
        "{page}"
    );
    assert!(
        page.contains("&quot;&lt;script&gt;alert(1)&lt;/script&gt;&quot;"),
        "{page}"
    );
    assert!(
        !page.contains("<b>Bob") && !page.contains("<script"),
        "{page}"
    );
    assert!(
        page.contains("websocat wss://archive.example.com\n"),
        "{page}"
    );
    assert!(page.contains("https://archive.example.com</pre>"), "{page}");
    assert!(running.stop().success());
}
