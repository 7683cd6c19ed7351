//! Commands that pages tell people to type, typed.

use std::path::Path;
use std::process::Command;

use super::pages::{Page, pages};
use crate::cli::import::lines;
use crate::cli::operator::Operator;
use crate::program::Program;

/// In front of a block that cannot be run here; the reason follows.
const NOT_RUN: &str = "not run: ";

/// On a page whose commands want something to be running: the command.
const WHILE: &str = "while: ";

/// A folder with an archive, and the ports of the pages on an address of its own.
struct Reader {
    operator: Operator,
    path: String,
}

impl Reader {
    fn new() -> Self {
        let operator = Operator::offline();
        operator.write("events.jsonl", lines(3));
        operator.done(&["import", "events.jsonl"]);
        let program = Path::new(env!("CARGO_BIN_EXE_bigbrotr")).parent().unwrap();
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", program.display());
        Self { operator, path }
    }

    fn start(&self, page: &Page) -> Option<Program> {
        let command = page
            .comments()
            .find_map(|comment| comment.strip_prefix(WHILE))?;
        let mut words = command.split(' ');
        assert_eq!(words.next(), Some("bigbrotr"), "{}", page.name);
        let words: Vec<&str> = words.collect();
        let mut running = self.operator.start(&words);
        running.address("relay");
        Some(running)
    }

    /// The block as a shell of theirs would run it, on the addresses of this folder.
    fn run(&self, page: &Page, code: &str) {
        let host = self.operator.public_address().ip().to_string();
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &code.replace("127.0.0.1", &host)])
            .current_dir(self.operator.folder())
            .env_clear()
            .env("PATH", &self.path)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}:\n{code}\n{said}", page.name);
    }
}

#[test]
fn every_command_works_or_says_why_it_is_not_run() {
    let mut ran = 0;
    for page in pages() {
        let blocks = page.blocks().into_iter();
        let blocks: Vec<_> = blocks.filter(|block| block.language == "sh").collect();
        let is_run =
            |comment: Option<&str>| !comment.is_some_and(|comment| comment.starts_with(NOT_RUN));
        if !blocks.iter().any(|block| is_run(block.comment.as_deref())) {
            continue;
        }
        let reader = Reader::new();
        let running = reader.start(&page);
        for block in &blocks {
            if is_run(block.comment.as_deref()) {
                reader.run(&page, &block.code);
                ran += 1;
            }
        }
        assert!(running.is_none_or(|running| running.stop().success()));
    }
    assert!(ran >= 12, "{ran}");
}

#[test]
fn blocks_without_a_language_hide_no_commands() {
    for page in pages() {
        for block in page.blocks() {
            let known = ["sh", "yaml", "text", "sql", "json"];
            assert!(
                known.contains(&block.language.as_str()),
                "{}: {block:?}",
                page.name
            );
        }
    }
}
