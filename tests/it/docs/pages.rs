//! Pages, what they link to, and their blocks of code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::operator::Operator;
use crate::sql_files::root;

/// A page of the book.
pub(super) struct Page {
    /// Below `docs/`.
    pub(super) name: String,
    pub(super) text: String,
}

/// A block of code, and the comment in front of it.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) language: String,
    pub(super) code: String,
    /// What stands in `<!-- … -->` on the line before.
    pub(super) comment: Option<String>,
}

impl Page {
    pub(super) fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut lines = self.text.lines();
        let mut before = "";
        while let Some(line) = lines.next() {
            // A block of a list is indented as its item is.
            let indent = line.len() - line.trim_start().len();
            if let Some(language) = line.trim_start().strip_prefix("```") {
                let code = lines.by_ref().take_while(|line| line.trim() != "```");
                let code: Vec<&str> = code
                    .map(|line| line.get(indent..).unwrap_or_default())
                    .collect();
                blocks.push(Block {
                    language: language.to_owned(),
                    code: code.join("\n"),
                    comment: comment(before).map(str::to_owned),
                });
            }
            before = line;
        }
        blocks
    }

    /// Every comment that stands on a line of its own.
    pub(super) fn comments(&self) -> impl Iterator<Item = &str> {
        self.text.lines().filter_map(comment)
    }

    /// Targets of its links that are files.
    fn links(&self) -> Vec<String> {
        let targets = self.text.split("](").skip(1);
        let targets = targets.filter_map(|rest| rest.split_once(')'));
        let targets = targets.map(|(target, _)| target.split('#').next().unwrap().to_owned());
        targets
            .filter(|target| !target.is_empty() && !target.contains("://"))
            .collect()
    }
}

fn comment(line: &str) -> Option<&str> {
    let line = line.trim().strip_prefix("<!--")?;
    line.strip_suffix("-->").map(str::trim)
}

pub(super) fn pages() -> Vec<Page> {
    let docs = root().join("docs");
    let mut found = Vec::new();
    collect(&docs, &mut found);
    found.sort();
    let pages = found.into_iter().map(|path| Page {
        name: path.strip_prefix(&docs).unwrap().display().to_string(),
        text: fs::read_to_string(&path).unwrap(),
    });
    pages.collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

#[test]
fn the_book_lists_every_page_and_no_other() {
    let pages = pages();
    let is_summary = |page: &&Page| page.name == "SUMMARY.md";
    let summary = pages.iter().find(is_summary).unwrap();
    let listed: BTreeSet<String> = summary.links().into_iter().collect();
    let there = pages.iter().filter(|page| !is_summary(page));
    let there: BTreeSet<String> = there.map(|page| page.name.clone()).collect();
    assert_eq!(listed, there);
    for section in [
        "Getting started",
        "User guide",
        "How to",
        "Development",
        "Reference",
        "Changelog",
    ] {
        assert!(
            summary.text.contains(&format!("\n# {section}\n")),
            "{section}"
        );
    }
}

#[test]
fn every_link_leads_somewhere() {
    let docs = root().join("docs").canonicalize().unwrap();
    for page in pages() {
        let folder = root().join("docs").join(&page.name);
        for link in page.links() {
            let target = folder.parent().unwrap().join(&link);
            assert!(target.exists(), "{}: {link}", page.name);
            // What is not below docs/ is not in the book.
            let target = target.canonicalize().unwrap();
            assert!(target.starts_with(&docs), "{}: {link}", page.name);
        }
    }
}

/// Settings that are shown are settings that are accepted.
#[test]
fn every_sample_of_settings_is_accepted() {
    let mut samples = 0;
    for page in pages() {
        for block in page.blocks() {
            let head = block.code.lines().next().unwrap_or_default();
            let Some(file) = head.strip_prefix("# ").filter(|_| block.language == "yaml") else {
                continue;
            };
            let operator = Operator::bare();
            operator.write(file, &block.code);
            operator.done(&["check-config"]);
            samples += 1;
        }
    }
    assert!(samples >= 3);
}
