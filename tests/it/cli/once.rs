//! `--once` and `migrate`: one piece of work, and an exit code that says how it went.

use super::operator::Operator;

#[test]
fn every_service_runs_one_cycle() {
    let operator = Operator::offline();
    for service in [
        "seeder",
        "finder",
        "validator",
        "monitor",
        "synchronizer",
        "refresher",
    ] {
        let ran = operator.run(&[service, "--once"]);
        assert_eq!(ran.code, 0, "{service}: {ran:?}");
        let cycle = format!("info {service} cycle_completed ");
        assert!(
            ran.err.lines().any(|line| line.starts_with(&cycle)),
            "{ran:?}"
        );
    }
    let status = operator.done(&["status"]);
    assert_eq!(
        status
            .lines()
            .filter(|line| line.contains(" done "))
            .count(),
        6,
        "{status}"
    );
    assert!(status.contains("candidates  1"), "{status}");
}

#[test]
fn a_cycle_that_fails_is_exit_code_1() {
    let operator = Operator::offline();
    operator.write(
        "config/services/seeder.yaml",
        "seed: {file_path: missing.txt}\n",
    );
    let said = operator.run(&["seeder", "--once"]).refused(1);
    assert!(said.contains("error seeder run_cycle_error"), "{said}");
    assert!(said.contains("missing.txt"), "{said}");
    assert!(operator.done(&["status"]).contains("FAILED"));
    // The rest of a pass still runs, on what the store has.
    let said = operator.run(&["run", "--once"]).refused(1);
    assert!(said.contains("info synchronizer cycle_completed"), "{said}");
}

#[test]
fn a_pass_runs_its_stages_in_order() {
    let operator = Operator::offline();
    let stages = |arguments: &[&str]| -> Vec<String> {
        let ran = operator.run(arguments);
        assert_eq!(ran.code, 0, "{ran:?}");
        let lines = ran
            .err
            .lines()
            .filter(|line| line.contains(" cycle_completed "));
        let services = lines.map(|line| line.split(' ').nth(1).unwrap().to_owned());
        services.collect()
    };
    let all = ["seeder", "finder", "validator", "monitor", "synchronizer"];
    assert_eq!(stages(&["run", "--once"]), all);
    let some = ["run", "--once", "--roles", "synchronizer,seeder,relay"];
    assert_eq!(stages(&some), ["seeder", "synchronizer"]);
}

#[test]
fn the_schema_is_made_on_start_or_by_command() {
    let operator = Operator::offline();
    operator.write_brotr("store: {migrate: false}\n");
    let said = operator.run(&["refresher", "--once"]).refused(1);
    assert!(said.contains("run `bigbrotr migrate`"), "{said}");
    assert_eq!(
        operator.done(&["migrate"]),
        "the schema of data is up to date\n"
    );
    operator.done(&["refresher", "--once"]);
    assert_eq!(
        operator.done(&["migrate"]),
        "the schema of data is up to date\n"
    );
}
