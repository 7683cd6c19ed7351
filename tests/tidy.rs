//! The house kept in order: what ARCHITECTURE.md says about imports is true of every file, and each folder says
//! what it is for. Each rule is shown to fail on a small fake first, at the foot of the files in `tidy/`.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/page.rs"]
mod page;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/text.rs"]
mod text;
#[path = "tidy/tokens.rs"]
mod tokens;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use page::Page;
use source::Source;

/// A page that is longer than a screen: it is the reference that `tests/it/sqlite` compares with the statements.
const REFERENCE: &str = "sql";

/// What a crate without input and output names in no place.
const IMPURE_PATHS: [&str; 8] = [
    "std::env",
    "std::fs",
    "std::net::TcpStream",
    "std::net::UdpSocket",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// The folders of the repository: neither hidden nor made by running something.
fn folders() -> Vec<PathBuf> {
    let ignored = read(&root().join(".gitignore"));
    let ignored: Vec<&str> = ignored.lines().map(|line| line.trim_matches('/')).collect();
    let is_ours = |path: &PathBuf| {
        let name = name(path);
        path.is_dir() && !name.starts_with('.') && !ignored.contains(&name.as_str())
    };
    entries(&root()).into_iter().filter(is_ours).collect()
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let below = entries(folder).into_iter();
    below
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

fn rust_sources(folder: &str) -> Vec<Source> {
    let files = files(&root().join(folder));
    let rust = files
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "rs"));
    let sources = rust.map(|path| {
        let place = path
            .strip_prefix(root())
            .unwrap()
            .to_string_lossy()
            .into_owned();
        Source::read(&place, &read(path))
    });
    sources.collect()
}

fn architecture() -> Page {
    Page::parse(&read(&root().join("ARCHITECTURE.md")))
}

/// Everything at once: a run that stops at the first mistake is run too often.
fn assert_none(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn every_import_follows_the_page() {
    let page = architecture();
    let sources = rust_sources("src");
    let problems = sources
        .iter()
        .flat_map(|source| imports::violations(&page, source));
    assert_none(problems.collect());
}

#[test]
fn the_page_names_every_part_and_no_other() {
    let sources = rust_sources("src");
    let parts: BTreeSet<&str> = sources.iter().map(Source::part).collect();
    let mut named: BTreeSet<&str> = BTreeSet::from(["lib"]);
    let page = architecture();
    named.extend(page.parts().filter(|part| *part != "nips"));
    assert_eq!(parts, named);
}

#[test]
fn every_exception_is_in_use_and_every_home_is_there() {
    let page = architecture();
    let sources = rust_sources("src");
    let crossings: BTreeSet<_> = sources
        .iter()
        .flat_map(|source| imports::crossings(&page, source))
        .collect();
    let excepted: BTreeSet<_> = page.exceptions().iter().cloned().collect();
    assert_eq!(crossings, excepted);
    let is_there = |home: &&str| {
        sources
            .iter()
            .any(|source| source.place().starts_with(home))
    };
    let missing = page.homes().filter(|home| !is_there(home));
    assert_none(
        missing
            .map(|home| format!("src/{home} is not there"))
            .collect(),
    );
}

#[test]
fn the_services_are_the_folders_and_files_that_are_told_apart() {
    for service in imports::SERVICES {
        let place = root().join("src/services");
        let is_there = place.join(service).is_dir() || place.join(format!("{service}.rs")).exists();
        assert!(is_there, "{service}");
    }
    let roles = read(&root().join("src/model/service_name.rs"));
    let listed = roles.matches("=> \"").count();
    assert_eq!(
        listed,
        imports::SERVICES.len() + 1,
        "the relay is a role too"
    );
}

#[test]
fn nips_has_no_input_and_no_output() {
    assert_none(text::impure(&read(&root().join("nips/Cargo.toml"))));
    let mut problems = Vec::new();
    for source in rust_sources("nips/src") {
        for name in &source.names {
            if IMPURE_PATHS.iter().any(|path| name.path.starts_with(path)) {
                problems.push(format!("{}:{}: {}", source.file, name.line, name.path));
            }
        }
    }
    assert_none(problems);
}

#[test]
fn every_folder_has_a_page_of_one_screen() {
    let folders = folders();
    assert!(folders.len() > 5);
    let problems = folders.iter().filter_map(|folder| {
        let page = fs::read_to_string(folder.join("README.md")).ok();
        let is_reference = page.is_some() && name(folder) == REFERENCE;
        text::page_problem(&name(folder), page.as_deref()).filter(|_| !is_reference)
    });
    assert_none(problems.collect());
}

#[test]
fn notes_to_oneself_name_an_issue() {
    let top = entries(&root()).into_iter().filter(|path| path.is_file());
    let below = folders();
    let below = below.iter().flat_map(|folder| files(folder));
    let mut problems = Vec::new();
    for path in top.chain(below) {
        // What is not text has no notes.
        let text = fs::read_to_string(&path).unwrap_or_default();
        let lines = text::loose_notes(&text).into_iter();
        problems.extend(lines.map(|line| format!("{}:{line}", path.display())));
    }
    assert_none(problems);
}

#[test]
fn modules_are_named_after_what_is_inside() {
    let mut problems = Vec::new();
    for folder in ["src", "nips/src", "tests", "benches"] {
        for path in files(&root().join(folder)) {
            let parts = path.strip_prefix(root()).unwrap().iter();
            let mut stems =
                parts.map(|part| Path::new(part).file_stem().unwrap().to_string_lossy());
            if stems.any(|stem| text::is_nameless(&stem)) {
                problems.push(path.display().to_string());
            }
        }
    }
    assert_none(problems);
}
