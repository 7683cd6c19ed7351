use proptest::prelude::*;

use super::*;

const ONION: &str = "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion";
const LOKI: &str = "b81m3pf94ridtry53g8ufyyrjtjaoxgbyjbs5k8qrqkr1whocxiy.loki";

fn canonical(raw: &str) -> String {
    match RelayUrl::parse(raw) {
        Ok(url) => url.as_str().to_owned(),
        Err(error) => format!("refused: {}", error.reason()),
    }
}

#[test]
fn one_relay_is_one_value() {
    for (raw, expected) in [
        ("WSS://Relay.Damus.IO/", "wss://relay.damus.io"),
        ("  wss://relay.damus.io \n", "wss://relay.damus.io"),
        ("ws://relay.example.com", "wss://relay.example.com"),
        ("ws://relay.example.com:80", "wss://relay.example.com:80"),
        ("wss://relay.example.com:443/", "wss://relay.example.com"),
        ("wss://relay.example.com:0443", "wss://relay.example.com"),
        ("wss://relay.example.com:", "wss://relay.example.com"),
        ("wss://relay.example.com.", "wss://relay.example.com"),
        ("wss://%72elay.example.com", "wss://relay.example.com"),
        ("wss://a_b.example.com", "wss://a_b.example.com"),
        (
            "wss://relay.example.com/a//b///",
            "wss://relay.example.com/a/b",
        ),
        (
            "wss://relay.example.com/a/../b",
            "wss://relay.example.com/b",
        ),
        (
            "wss://relay.example.com/%2e%2e/x",
            "wss://relay.example.com/x",
        ),
        (
            "wss://relay.example.com/%7Efoo",
            "wss://relay.example.com/~foo",
        ),
        (
            "wss://relay.example.com/a%2fb",
            "wss://relay.example.com/a%2Fb",
        ),
        ("wss://relay.example.com/a+b", "wss://relay.example.com/a+b"),
        (
            "wss://relay.example.com/a%20b",
            "wss://relay.example.com/a%20b",
        ),
        (
            "wss://relay.example.com/ü",
            "wss://relay.example.com/%C3%BC",
        ),
        (
            "wss://relay.example.com/npub1abc:group",
            "wss://relay.example.com/npub1abc:group",
        ),
        (
            "wss://relay.example.com/Path/UP",
            "wss://relay.example.com/Path/UP",
        ),
        ("wss://1.2.3.4:7777", "wss://1.2.3.4:7777"),
        (
            "wss://[2606:4700:0:0:0:0:0:1]:7777/x",
            "wss://[2606:4700::1]:7777/x",
        ),
        ("wss://münchen.de", "wss://xn--mnchen-3ya.de"),
        ("wss://MÜNCHEN。de", "wss://xn--mnchen-3ya.de"),
        ("wss://faß.de", "wss://xn--fa-hia.de"),
        ("wss://relay.i2p", "ws://relay.i2p"),
    ] {
        assert_eq!(canonical(raw), expected, "{raw}");
    }
}

#[test]
fn overlay_relays_are_ws() {
    for (raw, expected, network) in [
        (
            format!("wss://{ONION}"),
            format!("ws://{ONION}"),
            Network::Tor,
        ),
        (
            format!("wss://{ONION}:443"),
            format!("ws://{ONION}:443"),
            Network::Tor,
        ),
        (
            format!("wss://{ONION}:80"),
            format!("ws://{ONION}"),
            Network::Tor,
        ),
        (
            format!("ws://SUB.{ONION}/x"),
            format!("ws://sub.{ONION}/x"),
            Network::Tor,
        ),
        (
            format!("wss://{LOKI}:8080"),
            format!("ws://{LOKI}:8080"),
            Network::Loki,
        ),
        (
            format!("wss://{}.b32.i2p", "a".repeat(52)),
            format!("ws://{}.b32.i2p", "a".repeat(52)),
            Network::I2p,
        ),
    ] {
        let url = RelayUrl::parse(&raw).unwrap();
        assert_eq!(
            (url.as_str(), url.network()),
            (expected.as_str(), network),
            "{raw}"
        );
    }
}

#[test]
fn refusals_say_why() {
    for (raw, reason) in [
        ("", "scheme"),
        ("relay.example.com", "scheme"),
        ("wss:relay.example.com", "scheme"),
        ("wss:/relay.example.com", "scheme"),
        ("wss//relay.example.com", "scheme"),
        ("https://relay.example.com", "scheme"),
        ("wss:///relay.example.com", "host"),
        ("wss://", "host"),
        ("wss://relay.example.com:0", "port"),
        ("wss://relay.example.com:65536", "port"),
        ("wss://relay.example.com:abc", "port"),
        ("wss://relay.example.com:+80", "port"),
        ("wss://relay.example.com:8080:9090", "port"),
        ("wss://user:pw@relay.example.com", "userinfo"),
        ("wss://@relay.example.com", "userinfo"),
        ("wss://relay.example.com?x=1", "query"),
        ("wss://relay.example.com/?", "query"),
        ("wss://relay.example.com#f", "fragment"),
        ("wss://relay..example.com", "host"),
        ("wss://relay.example.com..", "host"),
        ("wss://.relay.example.com", "host"),
        ("wss://-a.example.com", "host"),
        ("wss://relay.example.com;x", "host"),
        ("wss://relay%2Fb.example.com", "host"),
        ("wss://xn--zzzzzzzz--.example.com", "host"),
        ("wss://relay", "single-label"),
        ("wss://1.2.3", "numeric-host"),
        ("wss://127.1", "numeric-host"),
        ("wss://0x7f.0.0.1", "numeric-host"),
        ("wss://127.0.0.0x1", "numeric-host"),
        ("wss://01.2.3.4", "numeric-host"),
        ("wss://1.2.3.4.5", "numeric-host"),
        ("wss://relay.123", "numeric-host"),
        ("wss://2130706433", "numeric-host"),
        ("wss://256.1.1.1", "numeric-host"),
        ("wss://127。0。0。1", "local"),
        ("wss://[2606:4700::1%eth0]", "zone-id"),
        ("wss://[fe80::1%25eth0]", "zone-id"),
        ("wss://[::ffff:8.8.8.8]", "reserved"),
        ("wss://[64:ff9b::808:808]", "reserved"),
        ("wss://[2001:db8::1]", "reserved"),
        ("wss://[2002:7f00:1::]", "reserved"),
        ("wss://[::1]", "local"),
        ("wss://localhost", "local"),
        ("wss://foo.localhost", "local"),
        ("wss://192.168.1.1", "local"),
        ("wss://100.64.0.1", "reserved"),
        ("wss://224.0.0.1", "reserved"),
        ("wss://0.0.0.0", "reserved"),
        ("wss://169.254.169.254", "reserved"),
        ("wss://foo.local", "special-use"),
        ("wss://relay.internal", "special-use"),
        ("wss://relay.home.arpa", "special-use"),
        ("wss://relay.example", "special-use"),
        ("wss://abc.onion", "overlay"),
        ("wss://.onion", "host"),
        ("wss://expyuzz4wqqyqhjn.onion", "onion-v2"),
        ("wss://short.b32.i2p", "overlay"),
        ("wss://foo.loki", "overlay"),
        ("wss://*.example.com", "wildcard"),
        ("wss://a.com,wss://b.com", "concatenated"),
        ("wss://a.com/wss://b.com", "concatenated"),
        ("wss://a.com/%20wss:", "concatenated"),
        ("wss://wot.girino.orgwss:", "concatenated"),
        ("wss://https://nostr.watch", "concatenated"),
        ("wss://a.com/b c", "character"),
        ("wss://a.com\\b", "character"),
        ("wss://a.com/\0", "character"),
        ("wss://a.com/%00", "path"),
        ("wss://a.com/%4", "path"),
        ("wss://a.com/\"", "path"),
    ] {
        assert_eq!(canonical(raw), format!("refused: {reason}"), "{raw}");
    }
    assert_eq!(
        canonical(&format!("wss://{}.com", "a".repeat(64))),
        "refused: host"
    );
    assert_eq!(
        canonical(&format!("wss://a.com/{}", "a".repeat(2048))),
        "refused: too-long"
    );
    assert_eq!(
        canonical(&format!("wss://a.com/{}", "ü".repeat(800))),
        "refused: too-long"
    );
}

#[test]
fn local_relays_keep_their_scheme_where_they_are_accepted() {
    for (raw, expected) in [
        ("ws://127.0.0.1:7777/", "ws://127.0.0.1:7777"),
        ("wss://127.0.0.3:7443", "wss://127.0.0.3:7443"),
        ("ws://localhost", "ws://localhost"),
        ("ws://[::1]:7777", "ws://[::1]:7777"),
        ("ws://10.1.2.3:80", "ws://10.1.2.3"),
    ] {
        let url = RelayUrl::parse_with(raw, LocalRelays::Accepted).unwrap();
        assert_eq!((url.as_str(), url.network()), (expected, Network::Local));
        assert_eq!(RelayUrl::parse(raw), Err(RelayUrlError::Local));
    }
    let other = RelayUrl::parse_with("ws://169.254.169.254", LocalRelays::Accepted);
    assert_eq!(other, Err(RelayUrlError::Reserved));
}

#[test]
fn a_host_that_ends_like_a_scheme_may_have_a_port() {
    assert_eq!(canonical("wss://a.wss:80/Inbox"), "wss://a.wss:80/Inbox");
    assert_eq!(canonical("wss://a.wss:443"), "wss://a.wss");
    for raw in [
        "wss://a.wss:",
        "wss://a.wss:80/b,wss:",
        "wss://a.wss:80wss://b.com",
    ] {
        assert_eq!(canonical(raw), "refused: concatenated", "{raw}");
    }
}

#[test]
fn parts_can_be_read() {
    let url = RelayUrl::parse("wss://[2606:4700::1]:7777/Inbox").unwrap();
    assert_eq!(
        (url.host(), url.port(), url.path()),
        ("2606:4700::1", 7777, "/Inbox")
    );
    assert_eq!(url.http_url(), "https://[2606:4700::1]:7777/Inbox");
    let url = RelayUrl::parse(&format!("ws://{ONION}")).unwrap();
    assert_eq!((url.host(), url.port(), url.path()), (ONION, 80, ""));
    assert!(!url.is_tls());
    assert_eq!(url.http_url(), format!("http://{ONION}"));
}

#[test]
fn labels_of_reasons_are_distinct() {
    let labels: std::collections::BTreeSet<_> = RelayUrlError::ALL
        .into_iter()
        .map(RelayUrlError::reason)
        .collect();
    assert_eq!(labels.len(), RelayUrlError::ALL.len());
}

#[test]
fn serde_uses_the_text() {
    let url = RelayUrl::parse_with("ws://127.0.0.1:7777", LocalRelays::Accepted).unwrap();
    let json = serde_json::to_string(&url).unwrap();
    assert_eq!(json, "\"ws://127.0.0.1:7777\"");
    assert_eq!(serde_json::from_str::<RelayUrl>(&json).unwrap(), url);
}

/// Texts that look enough like relay URLs to get past the first checks.
fn url_like() -> impl Strategy<Value = String> {
    let scheme = prop_oneof![Just("wss://"), Just("WS://"), Just("ws://")];
    let host = prop_oneof![
        "[a-zA-Z0-9_.%-]{1,20}",
        "[a-zéß。-]{1,8}\\.(com|ORG|i2p|onion|loki)\\.?",
        "[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9x]{1,3}",
        "\\[[0-9a-f:.%]{2,20}\\]",
    ];
    let port = prop_oneof![Just(String::new()), ":[0-9]{0,6}"];
    let path = "(/[a-zA-Z0-9.%~:@ü ]{0,8}){0,4}";
    (scheme, host, port, path)
        .prop_map(|(scheme, host, port, path)| format!("{scheme}{host}{port}{path}"))
}

proptest! {
    #[test]
    fn any_text_gets_a_verdict(text in any::<String>(), url in url_like()) {
        for raw in [text.clone(), format!("wss://{text}"), format!("wss://a.com/{text}"), url] {
            for local in [LocalRelays::Refused, LocalRelays::Accepted] {
                if let Ok(url) = RelayUrl::parse_with(&raw, local) {
                    prop_assert_eq!(RelayUrl::parse_with(url.as_str(), local), Ok(url.clone()));
                    prop_assert!(url.as_str().len() <= MAX_URL_BYTES && url.as_str().is_ascii());
                    prop_assert!(!url.as_str().ends_with('/') && !url.as_str().contains(['?', '#']));
                }
            }
        }
    }

    #[test]
    fn case_of_scheme_and_host_port_spelling_and_slashes_do_not_matter(
        host in "[a-z]{1,10}(\\.[a-z]{2,9}){1,2}",
        port in 1..=65535_u16,
        path in "(/[A-Za-z0-9._~-]{0,3}[A-Za-z]){0,3}",
    ) {
        let plain = RelayUrl::parse(&format!("wss://{host}:{port}{path}"));
        let path = path.replace('/', "//./");
        let odd = RelayUrl::parse(&format!("WSS://{}.:0{port}{path}//", host.to_uppercase()));
        prop_assert_eq!(plain, odd);
    }
}
