//! Stopping: a signal lets work finish and is no failure, a second one does not wait.

use std::io::Write;
use std::net::TcpStream;

use super::operator::Operator;

#[test]
fn a_signal_stops_every_role_cleanly() {
    for signal in ["INT", "TERM"] {
        let operator = Operator::offline();
        let mut running = operator.start(&["run"]);
        running.wait_for("all roles", |said| {
            let started = said.matches(" service_started").count();
            (started == 6).then_some(())
        });
        let relay = running.address("relay");
        assert_eq!(relay, format!("ws://{}", operator.public_address()));
        running.signal(signal);
        assert_eq!(running.wait().code(), Some(0), "{}", running.said());
        let said = running.said();
        assert!(
            said.contains(&format!("shutdown_signal signal=SIG{signal}")),
            "{said}"
        );
        assert_eq!(said.matches(" service_stopped").count(), 6, "{said}");
        assert!(
            !said.contains("error ") && !said.contains("tasks_left_behind"),
            "{said}"
        );
        // Everything was let go of.
        operator.done(&["status"]);
    }
}

#[test]
fn a_second_signal_does_not_wait() {
    let operator = Operator::offline();
    let mut running = operator.start(&["relay"]);
    running.address("relay");
    // Half a request is work that the first signal lets finish.
    #[expect(clippy::disallowed_methods, reason = "a client is what this is")]
    let mut client = TcpStream::connect(operator.public_address()).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").unwrap();
    // Connections are taken in turn: when this one is answered, the other is being read.
    operator.run(&["status"]);
    running.signal("INT");
    running.wait_for("the first signal", |said| {
        said.contains("shutdown_signal").then_some(())
    });
    running.signal("INT");
    assert_eq!(running.wait().code(), Some(130), "{}", running.said());
    assert!(running.said().contains("warn bigbrotr interrupted"));
}

#[test]
fn what_gives_up_takes_the_process_along() {
    let operator = Operator::offline();
    let seeder = "interval: 1\nmax_consecutive_failures: 1\nseed: {file_path: missing.txt}\n";
    operator.write("config/services/seeder.yaml", seeder);
    let mut running = operator.start(&["run", "--roles", "seeder,relay"]);
    assert_eq!(running.wait().code(), Some(1), "{}", running.said());
    let said = running.said();
    assert!(
        said.contains("seeder gave up after 1 failed cycles"),
        "{said}"
    );
}
