//! Log lines on standard error, in each form, and nothing else where a machine reads.

use serde_json::Value;

use super::operator::Operator;

#[test]
fn text_is_level_service_message_and_fields() {
    let operator = Operator::offline();
    let ran = operator.run(&["seeder", "--once"]);
    assert_eq!(ran.out, "");
    let parsed = "info seeder file_parsed count=1 refused=1 ";
    assert!(
        ran.err.lines().any(|line| line.starts_with(parsed)),
        "{ran:?}"
    );
    let quiet = operator.run(&["seeder", "--once", "--log-level", "error"]);
    assert_eq!(quiet.err, "");
    operator.write_brotr("log: {timestamps: true}\n");
    let stamped = operator.run(&["seeder", "--once"]).err;
    let is_stamped = |line: &str| {
        let stamp = line.split(' ').next().unwrap_or_default();
        stamp.len() == 27 && stamp.ends_with('Z') && line.contains("Z info seeder ")
    };
    assert!(
        !stamped.is_empty() && stamped.lines().all(is_stamped),
        "{stamped}"
    );
}

#[test]
fn json_is_an_object_a_line_from_start_to_end() {
    let operator = Operator::offline();
    operator.write_brotr("log: {format: json}\n");
    let mut running = operator.start(&["run"]);
    // With nothing to validate there is nothing to be reached, and no banner either.
    running.wait_for("all roles", |said| {
        (said.matches("cycle_completed").count() >= 6).then_some(())
    });
    running.signal("TERM");
    assert!(running.wait().success());
    let said = running.said();
    for line in said.lines() {
        let line: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for field in ["timestamp", "level", "service", "message"] {
            assert!(line[field].is_string(), "{field} in {line}");
        }
    }
    let completed = said
        .lines()
        .find(|line| line.contains("cycle_completed"))
        .unwrap();
    let completed: Value = serde_json::from_str(completed).unwrap();
    assert!(completed["duration_ms"].is_u64(), "{completed}");
}

#[test]
fn that_no_relay_answers_is_said_once_to_people_and_to_machines() {
    // Both at once: each takes its time to be sure.
    let started = ["text", "json"].map(|format| {
        let operator = Operator::offline();
        // Nobody listens there: metrics are off.
        operator.write(
            "seeds.txt",
            format!("ws://{}\n", operator.metrics_address()),
        );
        let local = "networks: {clearnet: {enabled: false}, local: {enabled: true}}";
        let rest = format!("metrics: {{enabled: false}}\nlog: {{format: {format}}}");
        operator.write("config/brotr.yaml", format!("{local}\n{rest}\n"));
        let running = operator.start(&["run", "--roles", "seeder,validator"]);
        (format, operator, running)
    });
    for (format, _operator, mut running) in started {
        running.wait_for("the bad news", |said| {
            said.contains("no_relay_reached").then_some(())
        });
        running.signal("TERM");
        assert!(running.wait().success());
        let said = running.said();
        let is_json = |line: &str| serde_json::from_str::<Value>(line).is_ok();
        assert_eq!(said.lines().all(is_json), format == "json", "{said}");
        let in_words = said.matches("No relay has answered yet.").count();
        assert_eq!(in_words, usize::from(format == "text"), "{said}");
    }
}

#[test]
fn the_command_line_beats_the_file() {
    let operator = Operator::offline();
    operator.write_brotr("log: {format: json, level: error}\n");
    let options = [
        "--log-format",
        "pretty",
        "--log-level",
        "info",
        "seeder",
        "--once",
    ];
    let said = operator.run(&options).err;
    assert!(said.contains(" INFO  seeder       file_parsed"), "{said}");
    assert!(!said.contains('\u{1b}'), "no colours where no terminal is");
}

/// At the most talkative level, with every secret that there is, in every form.
#[test]
fn no_line_holds_a_secret() {
    let key = "6b911fd37cdf5c81d4c0adb1ab7fa822ed253ab0ad9aa18d77257c88b29b718e";
    let secrets = [
        ("PRIVATE_KEY", key),
        ("DB_WRITER_PASSWORD", "open-sesame-writer"),
        ("DB_READER_PASSWORD", "open-sesame-reader"),
    ];
    for format in ["text", "json", "pretty"] {
        let operator = Operator::offline();
        let options = ["--log-level", "trace", "--log-format", format];
        let words = [&["run", "--once"][..], &options].concat();
        let ran = operator.run_with(&secrets, &words);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let listed = operator.run_with(&secrets, &["check-config"]);
        for said in [ran.out, ran.err, listed.out] {
            assert!(
                !said.contains("open-sesame") && !said.contains(key),
                "{said}"
            );
        }
    }
}
