//! Workflows, hooks and the watch over dependencies: what they name is there, and everything of others has a version.

use std::fs;

use serde_json::Value;

use super::files::{parse_yaml, place, text, texts};
use crate::sql_files::root;

fn file(name: &str) -> Value {
    let text =
        fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    parse_yaml(name, &text)
}

/// Every step of every workflow, with the workflow's name.
fn steps() -> Vec<(String, Value)> {
    let mut steps = Vec::new();
    for entry in fs::read_dir(root().join(".github/workflows")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let workflow = file(&format!(".github/workflows/{name}"));
        assert_eq!(workflow["permissions"]["contents"], "read", "{name}");
        for (job, content) in workflow["jobs"].as_object().unwrap() {
            assert!(content["timeout-minutes"].is_u64(), "{name}: {job}");
            let of_job = content["steps"].as_array().unwrap().iter();
            steps.extend(of_job.map(|step| (name.clone(), step.clone())));
        }
    }
    steps
}

#[test]
fn what_others_made_has_a_version() {
    let mut used = 0;
    for (workflow, step) in steps() {
        let Some(action) = step["uses"].as_str() else {
            continue;
        };
        let (_, version) = action
            .split_once('@')
            .unwrap_or_else(|| panic!("{workflow}: {action}"));
        let numbers = version
            .trim_start_matches('v')
            .split('.')
            .map(str::parse::<u32>);
        let numbers: Result<Vec<u32>, _> = numbers.collect();
        assert_eq!(
            numbers.map(|numbers| numbers.len()),
            Ok(3),
            "{workflow}: {action}"
        );
        used += 1;
    }
    assert!(used > 10);
    for hooks in file(".pre-commit-config.yaml")["repos"].as_array().unwrap() {
        let is_local = hooks["repo"] == "local";
        assert!(
            is_local || hooks["rev"].as_str().unwrap().starts_with('v'),
            "{hooks}"
        );
    }
}

#[test]
fn workflows_run_what_is_there() {
    for (workflow, step) in steps() {
        for line in step["run"].as_str().unwrap_or_default().lines() {
            for word in line.split_whitespace() {
                let script = word.strip_prefix("./").or_else(|| word.strip_prefix("../"));
                let Some(script) = script else { continue };
                let is_there = root().join(script).exists() || place(script).exists();
                assert!(is_there, "{workflow}: {word}");
            }
        }
    }
    assert!(steps().iter().any(|(_, step)| step["run"] == "./.ci/run"));
}

#[test]
fn new_versions_are_looked_for_where_there_are_versions() {
    for update in file(".github/dependabot.yml")["updates"]
        .as_array()
        .unwrap()
    {
        let directory = update["directory"]
            .as_str()
            .unwrap()
            .trim_start_matches('/');
        let found = fs::read_dir(root().join(directory)).unwrap();
        let mut names =
            found.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        let wanted = match update["package-ecosystem"].as_str().unwrap() {
            "cargo" => "Cargo.toml",
            "docker" => "Dockerfile",
            // Dependabot reads only files that are named like this.
            "docker-compose" => "compose.database.yaml",
            "github-actions" => ".github",
            "npm" => "package.json",
            other => panic!("{other}"),
        };
        assert!(names.any(|name| name == wanted), "{update}");
    }
}

/// A release has the same deployments as the repository, and its packages are made by the recipe.
#[test]
fn a_release_has_an_image_for_each_deployment() {
    for workflow in ["ci.yml", "release.yml"] {
        let jobs = file(&format!(".github/workflows/{workflow}"));
        let job = if workflow == "ci.yml" {
            "image"
        } else {
            "images"
        };
        let deployments = texts(&jobs["jobs"][job]["strategy"]["matrix"]["deployment"]);
        for deployment in &deployments {
            assert!(!text(&format!("{deployment}/compose.yaml")).is_empty());
        }
        assert_eq!(deployments.len(), 2, "{workflow}");
    }
}
