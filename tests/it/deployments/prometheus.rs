//! A real Prometheus with the shipped settings scrapes a running `bigbrotr` and the exporter of PostgreSQL: every query
//! of every rule and every dashboard reads something that is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fleet::{Behaviour, ConfigOptions, Fleet, FleetPlan, MemberPlan};
use serde_json::{Value, json};

use super::dashboards::{self, Query};
use super::files::{ROLES, place, text, yaml};
use super::promql::{Selector, names};
use super::rules;
use crate::cli::operator::Operator;
use crate::http::client::get;
use crate::http::exposition::{self, Family, Sample};
use crate::postgres::server::{Database, PASSWORD};
use crate::program::{PATIENCE, Program, command};

/// Families that are exposed only once something went wrong, or where the relay itself does TLS.
const RARE: [&str; 2] = [
    "bigbrotr_store_errors_total",
    "bigbrotr_relay_certificate_expiry_timestamp_seconds",
];

/// What Prometheus makes itself.
const MADE: [&str; 2] = ["up", "ALERTS"];

const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A server of somebody else's; killed when dropped.
struct Other(Child);

impl Other {
    fn start(command: &mut Command) -> Self {
        let command = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn();
        Self(child.expect("these tests need Prometheus: `make test-servers` installs it"))
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The relays that there are.
struct Laboratory {
    /// What is found, looked at and archived.
    crawled: Fleet,
    /// What the monitor's events are sent to: a relay that takes them, and one for which they wait.
    outside: Fleet,
}

impl Laboratory {
    async fn start() -> Self {
        let outside = FleetPlan::new(32)
            .member(MemberPlan::healthy())
            .member(MemberPlan::new(Behaviour::Dead));
        Self {
            crawled: Fleet::start(FleetPlan::mixed(31, 6, 50)).await.unwrap(),
            outside: Fleet::start(outside).await.unwrap(),
        }
    }

    /// The outside relays as a list of YAML.
    fn outside_urls(&self) -> Value {
        let members = self.outside.members().iter();
        members.map(|member| member.url().as_str()).collect()
    }

    async fn stop(self) {
        self.crawled.stop().await;
        self.outside.stop().await;
    }
}

/// Everything that runs.
struct Watched {
    host: IpAddr,
    program: Program,
    _exporter: Other,
    _prometheus: Other,
    // Declared last: what stands on it ends before.
    _database: Database,
}

impl Watched {
    async fn start(laboratory: &Laboratory, operator: &Operator) -> Self {
        let host = operator.public_address().ip();
        let database = Database::create().await;
        let program = start_program(laboratory, operator, &database);
        let direct = url::Url::parse(&database.options_as("reader").direct_url.unwrap()).unwrap();
        let place_of = |name: &str| place(name).display().to_string();
        let exporter = Other::start(
            Command::new("prometheus-postgres-exporter")
                .arg(format!(
                    "--extend.query-path={}",
                    place_of("common/postgres-exporter/queries.yaml")
                ))
                .arg(format!("--web.listen-address={host}:9187"))
                .env(
                    "DATA_SOURCE_URI",
                    format!(
                        "{}:{}{}?sslmode=disable",
                        direct.host_str().unwrap(),
                        direct.port().unwrap(),
                        direct.path()
                    ),
                )
                .env("DATA_SOURCE_USER", "reader")
                .env("DATA_SOURCE_PASS", PASSWORD),
        );
        operator.write("prometheus.yaml", settings(host).to_string());
        let prometheus = Other::start(
            Command::new("prometheus")
                .arg(format!(
                    "--config.file={}",
                    operator.path("prometheus.yaml").display()
                ))
                .arg(format!(
                    "--storage.tsdb.path={}",
                    operator.path("tsdb").display()
                ))
                .arg(format!("--web.listen-address={host}:9090")),
        );
        Self {
            host,
            program,
            _exporter: exporter,
            _prometheus: prometheus,
            _database: database,
        }
    }

    fn exposition(&self) -> BTreeMap<String, Family> {
        exposition::parse(&get(SocketAddr::new(self.host, 8000), "/metrics").body)
    }

    /// What Prometheus answers; `None` while it does not.
    fn ask(&self, path: &str) -> Option<Value> {
        let address = SocketAddr::new(self.host, 9090);
        #[expect(clippy::disallowed_methods, reason = "a client is what this is")]
        let _is_there = std::net::TcpStream::connect(address).ok()?;
        let response = get(address, path);
        let body = match response.header("transfer-encoding") {
            "chunked" => whole(&response.body),
            _ => response.body.clone(),
        };
        let answer: Value = serde_json::from_str(&body).unwrap();
        (response.status == 200).then(|| answer["data"].clone())
    }

    fn has_answer(&self, expression: &str) -> bool {
        let query: String = url::form_urlencoded::byte_serialize(expression.as_bytes()).collect();
        let answer = self.ask(&format!("/api/v1/query?query={query}"));
        answer.is_some_and(|data| !data["result"].as_array().unwrap().is_empty())
    }
}

fn start_program(laboratory: &Laboratory, operator: &Operator, database: &Database) -> Program {
    let options = ConfigOptions {
        relay_listen: operator.public_address(),
        metrics_listen: Some(operator.metrics_address()),
        timeout_seconds: 2,
        interval_seconds: 2,
        ..ConfigOptions::default()
    };
    let paths = laboratory.crawled.write_config(operator.folder(), &options);
    let paths = paths.unwrap();
    let writer = database.options_as("writer");
    let direct = writer.direct_url.unwrap();
    append(
        &paths.config.join("brotr.yaml"),
        &format!(
            "store: {{url: '{}', listen_url: '{direct}', migrate: false}}\n",
            writer.url
        ),
    );
    append(
        &paths.config.join("services/monitor.yaml"),
        &format!("publishing: {{relays: {}}}\n", laboratory.outside_urls()),
    );
    let words = ["run".to_owned()].into_iter();
    let mut command = command(words.chain(paths.arguments()));
    command.env("DB_WRITER_PASSWORD", PASSWORD);
    Program::spawn(command)
}

fn append(file: &Path, more: &str) {
    let mut text = fs::read_to_string(file).unwrap();
    text.push_str(more);
    fs::write(file, text).unwrap();
}

/// The shipped settings with addresses of this machine, and less patience.
fn settings(host: IpAddr) -> Value {
    let mut settings = yaml("common/prometheus/prometheus.yaml");
    settings["global"] =
        json!({ "scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s" });
    settings["rule_files"] = json!([place("common/prometheus/alerts.yaml")]);
    settings["alerting"] = json!({});
    for job in settings["scrape_configs"].as_array_mut().unwrap() {
        let port = match job["job_name"].as_str().unwrap() {
            "postgres" => 9187,
            "prometheus" => 9090,
            _ => 8000,
        };
        job["static_configs"] = json!([{ "targets": [format!("{host}:{port}")] }]);
    }
    settings
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// A body that was sent in chunks: each a length in hex, a line's end, as many bytes, a line's end.
fn whole(mut chunks: &str) -> String {
    let mut body = String::new();
    while let Some((length, rest)) = chunks.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        body.push_str(&rest[..length]);
        chunks = rest[length..].trim_start_matches("\r\n");
    }
    body
}

/// Rules and panels alike.
fn queries() -> Vec<Query> {
    let rules = rules::rules().into_iter().map(|rule| Query {
        place: rule["alert"].as_str().unwrap().to_owned(),
        expression: rule["expr"].as_str().unwrap().to_owned(),
    });
    rules.chain(dashboards::queries()).collect()
}

/// Whether each service succeeded once.
fn has_cycled(exposed: &BTreeMap<String, Family>) -> bool {
    let samples = exposed.get("service_gauge").map(|family| &family.samples);
    let succeeded = samples.into_iter().flatten();
    let succeeded = succeeded.filter(|sample| sample.labels["name"] == "last_cycle_timestamp");
    let services: BTreeSet<&String> = succeeded.map(|sample| &sample.labels["service"]).collect();
    services.len() == ROLES.len()
}

/// Whether a sample of the metric has the values that a query asks for.
fn is_exposed(selector: &Selector, exposed: &BTreeMap<String, Family>) -> bool {
    let Some(metric) = selector.ours() else {
        return true;
    };
    let samples = exposed.get(metric.name).map(|family| &family.samples);
    let is_meant = |sample: &&Sample| {
        let labels = metric.labels.iter();
        let mut asked = labels.filter_map(|label| Some((*label, selector.exactly(label)?)));
        asked.all(|(label, value)| sample.labels[label] == value)
    };
    let is_there = samples
        .into_iter()
        .flatten()
        .any(|sample| is_meant(&sample));
    is_there || RARE.contains(&metric.name)
}

fn rules_are_well(watched: &Watched) -> bool {
    let Some(data) = watched.ask("/api/v1/rules") else {
        return false;
    };
    let groups = data["groups"].as_array().unwrap().iter();
    let rules: Vec<&Value> = groups
        .flat_map(|group| group["rules"].as_array().unwrap())
        .collect();
    let failed = rules.iter().find(|rule| rule["health"] == "err");
    assert!(failed.is_none(), "{failed:?}");
    rules.len() == rules::rules().len() && rules.iter().all(|rule| rule["health"] == "ok")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_reads_what_a_running_program_exposes() {
    let laboratory = Laboratory::start().await;
    let operator = Operator::bare();
    let mut watched = Watched::start(&laboratory, &operator).await;
    watched.program.address("metrics");
    until("a cycle of each service", || {
        has_cycled(&watched.exposition())
    });
    for job in ROLES.iter().chain(&["postgres", "prometheus"]) {
        let query = format!("up{{job=\"{job}\"}} == 1");
        until(&query, || watched.has_answer(&query));
    }
    let mut exposed = watched.exposition();
    for query in queries() {
        for selector in names(&query.expression).selectors {
            until(&format!("{}: {selector:?}", query.place), || {
                is_exposed(&selector, &exposed) || {
                    exposed = watched.exposition();
                    is_exposed(&selector, &exposed)
                }
            });
            let name = selector.name.as_str();
            if !RARE.contains(&name) && !MADE.contains(&name) {
                until(name, || watched.has_answer(name));
            }
        }
    }
    let is_rare = |query: &Query| RARE.iter().any(|rare| query.expression.contains(rare));
    for query in dashboards::queries().iter().filter(|query| !is_rare(query)) {
        let what = format!("{}: {}", query.place, query.expression);
        until(&what, || watched.has_answer(&query.expression));
    }
    until("every rule is evaluated", || rules_are_well(&watched));
    assert!(watched.program.stop().success());
    laboratory.stop().await;
}

#[test]
fn every_role_is_scraped_where_it_answers() {
    let settings = yaml("common/prometheus/prometheus.yaml");
    let jobs = settings["scrape_configs"].as_array().unwrap().iter();
    let targets: BTreeMap<&str, &str> = jobs
        .map(|job| {
            let target = &job["static_configs"][0]["targets"][0];
            (job["job_name"].as_str().unwrap(), target.as_str().unwrap())
        })
        .collect();
    let mut expected: BTreeMap<&str, String> = BTreeMap::new();
    for role in ROLES {
        let listing = super::settings::listing("bigbrotr");
        expected.insert(role, format!("{role}:{}", listing["brotr.metrics.port"]));
    }
    expected.insert("postgres", "postgres-exporter:9187".to_owned());
    expected.insert("prometheus", "localhost:9090".to_owned());
    let targets: BTreeMap<&str, String> = targets
        .into_iter()
        .map(|(job, target)| (job, target.to_owned()))
        .collect();
    assert_eq!(targets, expected);
    assert!(text("common/compose.monitoring.yaml").contains("http://127.0.0.1:9187/metrics"));
}
