//! What runs inside the containers besides our program: each script and each settings file with the server that
//! reads it, started here.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, Row};

use super::files::place;
use crate::cli::operator::Operator;
use crate::postgres::server::{Database, PASSWORD};
use crate::program::PATIENCE;

fn healthcheck(operator: &Operator) -> Output {
    let address = operator.metrics_address();
    let mut script = Command::new(place("common/image/healthcheck.sh"));
    script.args([address.ip().to_string(), address.port().to_string()]);
    script.output().unwrap()
}

#[test]
fn a_container_is_healthy_while_the_program_says_so() {
    let operator = Operator::offline();
    let mut running = operator.start(&["run", "--roles", "refresher"]);
    running.address("metrics");
    let well = healthcheck(&operator);
    assert!(well.status.success(), "{well:?}");
    assert!(running.stop().success());
    assert!(!healthcheck(&operator).status.success(), "nobody answers");
}

/// A database that the relay has just begun to load is not served from its index yet, so it is not ready.
#[test]
fn a_program_that_is_not_ready_is_not_healthy() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::Builder::new().spawn(move || {
        use std::io::{Read, Write};
        let (mut client, _) = listener.accept().unwrap();
        let (mut request, mut byte) = (Vec::new(), [0]);
        while !request.ends_with(b"\r\n\r\n") && client.read(&mut byte).unwrap() == 1 {
            request.extend(byte);
        }
        let answer = "HTTP/1.1 503 Service Unavailable\r\n\r\n{\"status\":\"not ready\"}";
        client.write_all(answer.as_bytes()).unwrap();
    });
    let mut script = Command::new(place("common/image/healthcheck.sh"));
    script.args([address.ip().to_string(), address.port().to_string()]);
    let output = script.output().unwrap();
    server.unwrap().join().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("not ready"),
        "the reason is kept by Docker: {said}"
    );
}

/// A PgBouncer that the container's script started; ended when dropped.
struct Pooler {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Pooler {
    fn start(database: &Database) -> Self {
        let direct = url::Url::parse(&database.options().direct_url.unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = port.local_addr().unwrap().port();
        let mut command = Command::new("/bin/sh");
        command
            .arg(place("common/pgbouncer/entrypoint.sh"))
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("DATABASE", direct.path().trim_start_matches('/'))
            .env("POSTGRES_HOST", direct.host_str().unwrap())
            .env("POSTGRES_PORT", direct.port().unwrap().to_string())
            .env("LISTEN_HOST", "127.0.0.1")
            .env("LISTEN_PORT", port.to_string())
            .env("RUN_DIR", folder.path().join("run"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for role in ["ADMIN", "WRITER", "REFRESHER", "READER"] {
            command.env(format!("DB_{role}_PASSWORD"), PASSWORD);
        }
        not_as_root(&mut command, folder.path());
        Self {
            child: command.spawn().unwrap(),
            port,
            _folder: folder,
        }
    }

    async fn connect(
        &self,
        database: &Database,
        role: &str,
        password: &str,
    ) -> Option<PgConnection> {
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .database(database.name())
            .username(role)
            .password(password);
        PgConnection::connect_with(&options).await.ok()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// PgBouncer refuses to run as root; in its container it does not either.
fn not_as_root(command: &mut Command, folder: &std::path::Path) {
    let id = |flag: &str| {
        let output = Command::new("id")
            .args([flag, "postgres"])
            .output()
            .unwrap();
        String::from_utf8(output.stdout)
            .unwrap()
            .trim()
            .parse::<u32>()
            .ok()
    };
    let me = Command::new("id").arg("-u").output().unwrap();
    if me.stdout != b"0\n" {
        return;
    }
    let (user, group) = (id("-u").unwrap(), id("-g").unwrap());
    std::os::unix::fs::chown(folder, Some(user), Some(group)).unwrap();
    command.uid(user).gid(group);
}

#[tokio::test]
async fn every_role_gets_through_the_pooler_with_its_password_only() {
    let database = Database::create().await;
    let pooler = Pooler::start(&database);
    let deadline = Instant::now() + PATIENCE;
    while pooler
        .connect(&database, "reader", PASSWORD)
        .await
        .is_none()
    {
        assert!(Instant::now() < deadline, "the pooler does not answer");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    for role in ["admin", "writer", "refresher", "reader"] {
        let mut connection = pooler.connect(&database, role, PASSWORD).await.unwrap();
        let row = sqlx::query("SELECT current_user::text").persistent(false);
        let row = row.fetch_one(&mut connection).await.unwrap();
        assert_eq!(row.get::<String, _>(0), role);
        connection.close().await.unwrap();
    }
    assert!(
        pooler
            .connect(&database, "writer", "guessed")
            .await
            .is_none()
    );
}

/// The server's own reader of settings: `postgres -C` prints one and refuses a file with a mistake.
#[test]
fn postgres_accepts_its_settings() {
    let folder = tempfile::tempdir().unwrap();
    let file = place("common/postgres/postgresql.conf");
    let value = |name: &str| {
        let output = Command::new(postgres())
            .args(["-C", name, "-D"])
            .arg(folder.path())
            .arg(format!("--config_file={}", file.display()))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{name}: {said}");
        assert!(!said.contains("unrecognized"), "{said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(value("fsync"), "on");
    assert_eq!(value("synchronous_commit"), "on");
    assert_eq!(value("password_encryption"), "scram-sha-256");
    assert_eq!(value("max_connections"), "200");
}

/// The newest server that Debian's packages left here, or the one of the search path.
fn postgres() -> String {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let programs = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin/postgres")));
    let newest = programs.filter(|path| path.exists()).max();
    newest.map_or_else(|| "postgres".to_owned(), |path| path.display().to_string())
}
