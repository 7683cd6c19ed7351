//! `bigbrotr check`: what a person and a script are told about relays of the laboratory.

use fleet::{
    Access, Behaviour, Certificate, Conduct, ConfigOptions, Counting, DnsAnswer, Fleet, FleetPlan,
    Information, Member, MemberPlan,
};
use nips::Kind;
use serde_json::{Value, json};

use super::operator::{Operator, Ran};

/// A laboratory, and somebody whose configuration leads to it.
struct Lab {
    fleet: Fleet,
    operator: Operator,
}

impl Lab {
    async fn of(members: impl IntoIterator<Item = MemberPlan>) -> Self {
        let plan = FleetPlan::new(5).events(30);
        let plan = members.into_iter().fold(plan, FleetPlan::member);
        let fleet = Fleet::start(plan).await.unwrap();
        let operator = Operator::bare();
        let options = ConfigOptions {
            timeout_seconds: 10,
            ..ConfigOptions::default()
        };
        fleet.write_config(operator.folder(), &options).unwrap();
        Self { fleet, operator }
    }

    fn url(&self, index: usize) -> &str {
        self.fleet.member(index).url().as_str()
    }

    fn check(&self, arguments: &[&str]) -> Ran {
        self.operator.run(&[&["check"], arguments].concat())
    }

    fn member(&self) -> &Member {
        self.fleet.member(0)
    }
}

/// The text behind the name of a line.
fn line<'o>(out: &'o str, name: &str) -> &'o str {
    let mut lines = out.lines().filter_map(|line| line.strip_prefix("  "));
    let found = lines.find_map(|line| line.strip_prefix(name));
    found.unwrap_or_else(|| panic!("{name}:\n{out}")).trim()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_reads_what_was_found() {
    let lab = Lab::of([MemberPlan::healthy().access(Access::Tls(Certificate::Valid))]).await;
    let host = lab.member().host();
    let named = DnsAnswer::Addresses(vec!["8.8.8.8".parse().unwrap()]);
    lab.fleet.dns().set(host, named);
    let ran = lab.check(&[host]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let out = &ran.out;
    assert!(
        out.starts_with(&format!("wss://{host}  answers\n")),
        "{out}"
    );
    let open = line(out, "open");
    for part in ["dns ", "tcp ", "tls ", "upgrade "] {
        assert!(open.contains(part), "{open}");
    }
    assert!(line(out, "read").contains("first answer E"), "{out}");
    assert!(line(out, "write").ends_with(" ms"), "{out}");
    let certificate = line(out, "certificate");
    assert!(
        certificate.starts_with("valid until 2060-01-01, ")
            && certificate.contains("by Nostr laboratory authority, TLSv1.3"),
        "{out}"
    );
    assert!(line(out, "names").starts_with("8.8.8.8, "), "{out}");
    assert_eq!(line(out, "server"), "nostr-lab, seeded events");
    assert_eq!(line(out, "nips"), "1 9 11 40 45 77");
    let events = lab.member().seen().events;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].kind(), Kind::WRITE_PROBE);
    assert!(!lab.operator.path("data").exists(), "nothing is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_reads_a_document_a_line() {
    let lab = Lab::of([
        MemberPlan::empty(),
        MemberPlan::healthy().access(Access::Tls(Certificate::Expired)),
        MemberPlan::new(Behaviour::Dead),
    ])
    .await;
    let urls = [lab.url(0), lab.url(1), lab.url(2)];
    let ran = lab.check(&[&["--json", "--no-write"][..], &urls].concat());
    assert_eq!(ran.code, 1, "not all of them answer: {ran:?}");
    let documents = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let documents: Vec<Value> = documents.collect();
    let told: Vec<&Value> = documents.iter().map(|document| &document["url"]).collect();
    assert_eq!(told, urls.map(Value::from).iter().collect::<Vec<_>>());
    let [empty, expired, dead] = documents.as_slice() else {
        panic!("{documents:?}");
    };
    assert_eq!(empty["is_online"], true);
    assert_eq!(empty["rtt"]["read_by"], "EOSE");
    assert_eq!(empty["rtt"]["write_ms"], Value::Null);
    assert!(empty["rtt"]["open_phases"]["tcp_ms"].is_number());
    assert_eq!(empty["nip11"]["supported_nips"], json!([1, 11]));
    let tags = empty["tags"].as_array().unwrap();
    assert_eq!(tags[0], json!(["d", format!("{}/", urls[0])]));
    assert!(lab.member().seen().events.is_empty());
    assert_eq!(expired["is_online"], false);
    assert_eq!(expired["rtt"]["open_reason"], "certificate_expired");
    assert_eq!(expired["ssl"]["ssl_valid"], false);
    assert_eq!(expired["tags"], Value::Null);
    assert_eq!(dead["rtt"]["open_reason"], "connect_failed");
    assert_eq!((&dead["ssl"], &dead["nip11"]), (&Value::Null, &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_does_not_answer_is_exit_code_1_and_says_why() {
    let lab = Lab::of([MemberPlan::healthy().access(Access::Tls(Certificate::SelfSigned))]).await;
    let ran = lab.check(&[lab.url(0)]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("DOES NOT ANSWER"), "{ran:?}");
    assert_eq!(line(&ran.out, "open"), "failed: certificate unknown issuer");
    let certificate = line(&ran.out, "certificate");
    assert!(certificate.starts_with("INVALID: self signed"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_relay_says_cannot_move_the_cursor() {
    let reason = "blocked: \u{1b}[2J\nyou";
    let lab = Lab::of([MemberPlan::new(Behaviour::Refuses { reason })]).await;
    let ran = lab.check(&[lab.url(0)]);
    assert_eq!(line(&ran.out, "write"), "refused: blocked:  [2J you");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_fights_scrapers_answers_all_the_same() {
    let lab = Lab::of([
        MemberPlan::new(Behaviour::RefusesScraping),
        MemberPlan::empty(),
    ])
    .await;
    let ran = lab.check(&["--json", lab.url(0), lab.url(1)]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for (line, first) in ran.out.lines().zip(["EVENT", "EOSE"]) {
        let document: Value = serde_json::from_str(line).unwrap();
        assert_eq!(document["rtt"]["read_by"], first);
        // One note is no scraping.
        assert_eq!(document["rtt"]["refuses_broad"], false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_to_know_is_told_what_a_claim_is_worth() {
    let document = json!({
        "supported_nips": [1, 9, 45],
        "limitation": { "max_filters": 2, "auth_required": false },
    });
    let conduct = Conduct {
        counting: Counting::Puzzled,
        ..Conduct::exemplary()
    };
    let claimant = MemberPlan::new(Behaviour::Conducts(conduct))
        .information(Information::Custom(document.to_string()));
    let lab = Lab::of([claimant]).await;
    let url = lab.url(0);
    let ran = lab.check(&["--audit", "--no-write", url]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let claims = ran
        .out
        .lines()
        .filter_map(|line| line.strip_prefix("  claim"));
    let claims: Vec<&str> = claims.map(str::trim).collect();
    for (claim, start) in claims.iter().zip([
        "nip-01: yes, ",
        "nip-45: NO, does not know COUNT: could not parse command",
        "max_filters 2: NO, takes more than it states",
        "auth_required false: yes, ",
    ]) {
        assert!(claim.starts_with(start), "{claims:?}");
    }
    assert_eq!(claims.len(), 4, "{claims:?}");
    assert_eq!(line(&ran.out, "not testable"), "nip-09");
    assert!(lab.member().seen().events.is_empty());
    let ran = lab.check(&["--audit", "--json", url]);
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    let findings = document["claims"]["findings"].as_array().unwrap();
    assert_eq!(findings[2]["claim"], "nip-45");
    assert_eq!(findings[2]["observed"], "no");
    assert!(document["claims"]["transcript"].as_array().unwrap().len() > 4);
    let label = json!(["l", "nip-45:no", "nip66.label.claim"]);
    assert!(document["tags"].as_array().unwrap().contains(&label));
    let quiet = lab.check(&["--json", url]);
    let document: Value = serde_json::from_str(&quiet.out).unwrap();
    assert_eq!(document["claims"], Value::Null, "nobody asked for it");
}

#[test]
fn what_is_no_relay_is_exit_code_2() {
    let operator = Operator::offline();
    for arguments in [&["check"][..], &["check", "https://relay.example.com"]] {
        operator.run(arguments).refused(2);
    }
    // The address is one, and networks.local is off.
    let ran = operator.run(&["check", "ws://127.0.0.1:1"]);
    assert_eq!(ran.code, 1);
    assert_eq!(line(&ran.out, "open"), "failed: network disabled");
}
