//! Mistakes on the command line and in the surroundings: said clearly, with the right exit code.

use std::net::TcpListener;

use super::operator::Operator;

#[test]
fn what_is_not_understood_is_exit_code_2() {
    let operator = Operator::bare();
    for (arguments, what) in [
        (&["serve"][..], "unrecognized subcommand 'serve'"),
        (&[], "Usage: bigbrotr"),
        (&["run", "--onse"], "--once"),
        (
            &["run", "--roles", "seeder,cook"],
            "expected some of seeder",
        ),
        (
            &["run", "--once", "--roles", "relay"],
            "nothing to run once",
        ),
        (&["status", "--log-level", "loud"], "possible values: trace"),
        (&["relay", "--once"], "unexpected argument '--once'"),
    ] {
        let said = operator.run(arguments).refused(2);
        assert!(said.contains(what), "{arguments:?}: {said}");
    }
    assert!(!operator.path("data").exists());
}

#[test]
fn help_and_version_are_results() {
    let operator = Operator::bare();
    let help = operator.done(&["--help"]);
    for command in [
        "run",
        "import",
        "export",
        "status",
        "check",
        "check-config",
        "doctor",
        "keygen",
    ] {
        assert!(
            help.contains(&format!("\n  {command}")),
            "{command}\n{help}"
        );
    }
    let version = operator.done(&["--version"]);
    assert_eq!(version, format!("bigbrotr {}\n", env!("CARGO_PKG_VERSION")));
    assert!(operator.done(&["run", "--help"]).contains("--roles"));
}

#[test]
fn a_port_that_is_taken_is_named_with_its_setting() {
    let operator = Operator::offline();
    for (address, setting) in [
        (
            operator.public_address(),
            "public port (listen in relay.yaml)",
        ),
        (
            operator.metrics_address(),
            "metrics port (metrics.host, metrics.port)",
        ),
    ] {
        let taken = TcpListener::bind(address).unwrap();
        let said = operator.run(&["relay"]).refused(1);
        let expected =
            format!("error: {setting}: could not listen on {address}: Address already in use");
        assert!(said.contains(&expected), "{said}");
        drop(taken);
    }
}

#[test]
fn a_data_directory_that_cannot_be_used_is_named() {
    let operator = Operator::offline();
    operator.write("file", "");
    for command in [&["relay"][..], &["status"], &["import", "seeds.txt"]] {
        let arguments = [command, &["--data-dir", "file"]].concat();
        let said = operator.run(&arguments).refused(1);
        assert!(said.contains("could not open file"), "{said}");
    }
}

#[test]
fn ports_may_be_free_ones_or_none() {
    let operator = Operator::bare();
    operator.write("config/brotr.yaml", "metrics: {enabled: false}\n");
    operator.write("relay-config/relay.yaml", "listen: 127.0.0.1:0\n");
    let mut running = operator.start(&["relay"]);
    let relay = running.address("relay");
    assert!(
        relay.starts_with("ws://127.0.0.1:") && !relay.ends_with(":0"),
        "{relay}"
    );
    assert!(!running.said().contains("metrics"), "{}", running.said());
    assert!(running.stop().success());
}
