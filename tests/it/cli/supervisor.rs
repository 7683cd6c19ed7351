//! What `bigbrotr` tells the service manager that started it, over a socket of the test's own.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use super::operator::Operator;
use crate::program::{PATIENCE, Program};

/// A service manager: the socket that it hears on, and how its name is handed over.
struct Manager {
    socket: UnixDatagram,
    name: String,
}

impl Manager {
    fn at_path(operator: &Operator) -> Self {
        let path = operator.path("notify.sock");
        let address = SocketAddr::from_pathname(&path).unwrap();
        Self::bind(&address, path.display().to_string())
    }

    fn without_file() -> Self {
        let name = format!("bigbrotr-test-{:032x}", rand::random::<u128>());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        Self::bind(&address, format!("@{name}"))
    }

    fn bind(address: &SocketAddr, name: String) -> Self {
        let socket = UnixDatagram::bind_addr(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, name }
    }

    fn start(&self, operator: &Operator, watchdog: &str) -> Program {
        let mut command = operator.command(&["run", "--roles", "refresher,relay"]);
        command.env("NOTIFY_SOCKET", &self.name);
        command.env("WATCHDOG_USEC", watchdog);
        Program::spawn(command)
    }

    fn hear(&self) -> String {
        let mut buffer = [0; 1024];
        let length = self.socket.recv(&mut buffer).expect("it says something");
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }
}

#[test]
fn it_says_that_it_is_ready_that_it_lives_and_that_it_stops() {
    let operator = Operator::offline();
    for manager in [Manager::at_path(&operator), Manager::without_file()] {
        let running = manager.start(&operator, "100000");
        assert_eq!(manager.hear(), "READY=1\nSTATUS=running refresher, relay\n");
        // Ready means that it answers.
        let ready = crate::http::client::get(operator.public_address(), "/health/live");
        assert_eq!(ready.status, 200);
        for _ in 0..3 {
            assert_eq!(manager.hear(), "WATCHDOG=1\n");
        }
        assert!(running.stop().success());
        let mut last = manager.hear();
        while last == "WATCHDOG=1\n" {
            last = manager.hear();
        }
        assert_eq!(last, "STOPPING=1\n");
    }
}

#[test]
fn a_manager_that_is_not_there_is_no_reason_to_stop() {
    let operator = Operator::offline();
    let mut command = operator.command(&["run", "--roles", "refresher"]);
    command.env("NOTIFY_SOCKET", operator.path("missing.sock"));
    let mut running = Program::spawn(command);
    running.address("metrics");
    assert!(running.said().contains("supervisor_unreachable"));
    assert!(running.stop().success());
}
