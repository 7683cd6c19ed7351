//! Keys: a new pair, the one from the environment, the one that is made on first start.

use std::os::unix::fs::PermissionsExt;

use nostr_sdk::{Keys, PublicKey, SecretKey, ToBech32};

use super::operator::Operator;

/// A key pair for this test: secret as hex, public as hex.
fn pair() -> (String, String) {
    let keys = Keys::generate();
    (
        keys.secret_key().to_secret_hex(),
        keys.public_key().to_hex(),
    )
}

/// The line of the banner that begins with `monitor`, and the one below it.
fn banner(said: &str) -> (&str, &str) {
    let mut lines = said
        .lines()
        .skip_while(|line| !line.trim_start().starts_with("monitor "));
    let mut next = || lines.next().unwrap_or_default().trim();
    (next(), next())
}

/// What the banner says about the key of a monitor with these variables.
fn monitor(operator: &Operator, variables: &[(&str, &str)]) -> (String, String) {
    let mut command = operator.command(&["monitor"]);
    command.envs(variables.iter().copied());
    let mut program = crate::program::Program::spawn(command);
    let said = program.wait_for("the banner", |said| {
        said.contains("Ctrl-C").then(|| said.to_owned())
    });
    assert!(program.stop().success());
    let (key, origin) = banner(&said);
    let key = key.rsplit(' ').next().unwrap_or_default();
    (key.to_owned(), origin.to_owned())
}

#[test]
fn a_new_pair_is_one_pair_in_every_form() {
    let operator = Operator::bare();
    let ran = operator.run(&["keygen"]);
    assert_eq!(ran.code, 0);
    let lines: Vec<Vec<&str>> = ran
        .out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let [nsec, npub, public, secret] = lines.as_slice() else {
        panic!("{ran:?}");
    };
    assert_eq!(
        (nsec[0], npub[0], public[2], secret[2]),
        ("nsec", "npub", "(public)", "(secret)")
    );
    let keys = Keys::new(SecretKey::parse(nsec[1]).unwrap());
    assert_eq!(keys, Keys::parse(secret[1]).unwrap());
    assert_eq!(keys.public_key(), PublicKey::parse(npub[1]).unwrap());
    assert_eq!(keys.public_key().to_hex(), public[1]);
    assert_ne!(operator.done(&["keygen"]), ran.out);
    assert!(!operator.path("data").exists());
}

#[test]
fn a_key_is_made_once_announced_once_and_for_its_owner_only() {
    let operator = Operator::offline();
    let (made, said) = monitor(&operator, &[]);
    assert_eq!(
        said,
        "a new key was made: data/monitor.key; keep a copy of it"
    );
    let mode = operator
        .path("data/monitor.key")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let keys = Keys::parse(operator.read("data/monitor.key").trim()).unwrap();
    assert_eq!(keys.public_key().to_hex(), made);
    assert_eq!(
        monitor(&operator, &[]),
        (made, "key from data/monitor.key".to_owned())
    );
}

#[test]
fn the_environment_gives_the_key_in_every_documented_way() {
    let operator = Operator::offline();
    let (secret, public) = pair();
    let nsec = SecretKey::parse(&secret).unwrap().to_bech32().unwrap();
    operator.write("secret", format!("{secret}\n"));
    for (variable, value) in [
        ("PRIVATE_KEY", secret.as_str()),
        ("PRIVATE_KEY", nsec.as_str()),
        ("NOSTR_PRIVATE_KEY", secret.as_str()),
        ("PRIVATE_KEY_FILE", "secret"),
        ("NOSTR_PRIVATE_KEY_FILE", "secret"),
    ] {
        let (found, said) = monitor(&operator, &[(variable, value)]);
        assert_eq!((&found, said), (&public, format!("key from {variable}")));
    }
    assert!(!operator.path("data/monitor.key").exists());
}

#[test]
fn keys_are_never_shown() {
    let operator = Operator::offline();
    let (secret, _) = pair();
    let variables = [("PRIVATE_KEY", secret.as_str())];
    let listing = operator.run_with(&variables, &["check-config"]);
    assert!(
        listing
            .out
            .contains("private_key: (redacted)  # environment PRIVATE_KEY"),
        "{listing:?}"
    );
    let logged = operator.run_with(&variables, &["monitor", "--once", "--log-level", "trace"]);
    assert_eq!(logged.code, 0, "{logged:?}");
    for ran in [listing, logged] {
        assert!(!ran.out.contains(&secret) && !ran.err.contains(&secret));
    }
}

#[test]
fn what_is_no_key_is_refused_before_anything_starts() {
    let operator = Operator::offline();
    operator.write("empty", "\n");
    for (variables, what) in [
        (
            &[("PRIVATE_KEY", "nonsense")][..],
            "PRIVATE_KEY: secret key is neither",
        ),
        (
            &[("PRIVATE_KEY", &"0".repeat(64))],
            "PRIVATE_KEY: secret key is neither",
        ),
        (&[("PRIVATE_KEY_FILE", "missing")], "could not read missing"),
        (&[("PRIVATE_KEY_FILE", "empty")], "empty is empty"),
        (
            &[("PRIVATE_KEY", "a"), ("PRIVATE_KEY_FILE", "b")],
            "unset one",
        ),
    ] {
        let said = operator.run_with(variables, &["run"]).refused(2);
        assert!(said.contains(what) && !said.contains("nonsense"), "{said}");
    }
    assert!(!operator.path("data").exists());
}
