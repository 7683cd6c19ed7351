//! The paths that a Rust file names, written out from the root of the crate or from the name of another one.

use std::collections::BTreeMap;

use super::tokens::{Kind, Token, tokens};

/// A file of the package.
#[derive(Debug)]
pub(crate) struct Source {
    /// Relative to the package, e.g. `src/store/mod.rs`.
    pub(crate) file: String,
    /// What it names, in the order of the text.
    pub(crate) names: Vec<Name>,
}

/// A path in use, e.g. `crate::store::Store` or `tokio::net::TcpStream`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) line: usize,
    pub(crate) path: String,
}

impl Source {
    /// Reads the text of a file.
    pub(crate) fn read(file: &str, text: &str) -> Self {
        let mut reader = Reader {
            tokens: tokens(text),
            at: 0,
            module: module_of(file),
            open_braces: 0,
            inline: Vec::new(),
            found: Vec::new(),
            bindings: BTreeMap::new(),
        };
        reader.read();
        Self {
            file: file.to_owned(),
            names: reader.resolved(),
        }
    }

    /// Its place below `src`, without the extension: `store/mod`, `app`.
    pub(crate) fn place(&self) -> &str {
        let name = self.file.strip_suffix(".rs").unwrap_or(&self.file);
        name.split_once("src/").map_or(name, |(_, place)| place)
    }

    /// The part of the program it belongs to: `store`, `app`.
    pub(crate) fn part(&self) -> &str {
        self.place().split('/').next().unwrap_or_default()
    }
}

/// The module that a file is: `src/store/lmdb/keys.rs` is `store::lmdb::keys`.
fn module_of(file: &str) -> Vec<String> {
    let name = file.strip_suffix(".rs").unwrap_or(file);
    let place = name.split_once("src/").map_or(name, |(_, place)| place);
    let mut module: Vec<String> = place.split('/').map(str::to_owned).collect();
    let is_named_after_folder = matches!(
        module.last().map(String::as_str),
        Some("mod" | "lib" | "main")
    );
    if is_named_after_folder {
        module.pop();
    }
    module
}

/// A path as it was written, and the module it was written in.
struct Found {
    line: usize,
    module: Vec<String>,
    segments: Vec<String>,
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    module: Vec<String>,
    open_braces: usize,
    /// Number of open braces outside of each inline module that we are in.
    inline: Vec<usize>,
    found: Vec<Found>,
    /// Names that the file gives to paths.
    bindings: BTreeMap<String, Vec<String>>,
}

impl Reader {
    fn read(&mut self) {
        while let Some(token) = self.tokens.get(self.at).cloned() {
            match &token.kind {
                Kind::Word(word) if word == "use" => {
                    self.at += 1;
                    self.use_tree(Vec::new());
                    continue;
                }
                Kind::Word(word) if word == "mod" => self.module_begins(),
                Kind::Word(word) if !self.continues_a_path() => {
                    self.path(token.line, word);
                    continue;
                }
                Kind::Mark('{') => self.open_braces += 1,
                Kind::Mark('}') => self.brace_ends(),
                _ => {}
            }
            self.at += 1;
        }
    }

    fn kind(&self, at: usize) -> Option<&Kind> {
        self.tokens.get(at).map(|token| &token.kind)
    }

    /// Whether what stands before the current word makes it a later part of a path: `a::` or `a::<B>::`.
    fn continues_a_path(&self) -> bool {
        let before = |distance| self.at.checked_sub(distance).and_then(|at| self.kind(at));
        before(1) == Some(&Kind::Colons)
            && matches!(before(2), Some(Kind::Word(_) | Kind::Mark('>')))
    }

    /// `mod name;` or `mod name {`.
    fn module_begins(&mut self) {
        let Some(Kind::Word(name)) = self.kind(self.at + 1).cloned() else {
            return;
        };
        let mut path = self.root_path();
        path.push(name.clone());
        self.bindings.entry(name.clone()).or_insert(path);
        if self.kind(self.at + 2) == Some(&Kind::Mark('{')) {
            self.module.push(name);
            self.inline.push(self.open_braces);
        }
        self.at += 1;
    }

    fn brace_ends(&mut self) {
        self.open_braces = self.open_braces.saturating_sub(1);
        if self.inline.last() == Some(&self.open_braces) {
            self.inline.pop();
            self.module.pop();
        }
    }

    fn root_path(&self) -> Vec<String> {
        let root = std::iter::once("crate".to_owned());
        root.chain(self.module.iter().cloned()).collect()
    }

    /// A path of at least two parts outside of `use`; leaves `at` behind it.
    fn path(&mut self, line: usize, first: &str) {
        let mut segments = vec![first.to_owned()];
        self.at += 1;
        while let (Some(Kind::Colons), Some(Kind::Word(next))) =
            (self.kind(self.at), self.kind(self.at + 1))
        {
            segments.push(next.clone());
            self.at += 2;
        }
        if segments.len() > 1 {
            self.find(line, segments);
        }
    }

    fn find(&mut self, line: usize, segments: Vec<String>) {
        let module = self.module.clone();
        self.found.push(Found {
            line,
            module,
            segments,
        });
    }

    /// What follows `use` or a comma in its braces; leaves `at` on the mark that ends it.
    fn use_tree(&mut self, mut path: Vec<String>) {
        let mut alias = None;
        let mut has_item = false;
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        while let Some(kind) = self.kind(self.at).cloned() {
            match kind {
                Kind::Mark('{') => return self.use_list(&path),
                Kind::Mark(',' | '}' | ';') => break,
                Kind::Word(word) if word == "as" => {
                    self.at += 1;
                    alias = match self.kind(self.at) {
                        Some(Kind::Word(alias)) => Some(alias.clone()),
                        _ => None,
                    };
                }
                Kind::Word(word) if word == "self" && !path.is_empty() => has_item = true,
                Kind::Word(word) => {
                    has_item = true;
                    path.push(word);
                }
                Kind::Mark('*') => {
                    has_item = true;
                    path.push("*".to_owned());
                }
                Kind::Colons | Kind::Mark(_) => {}
            }
            self.at += 1;
        }
        // After the last comma of a list nothing follows.
        if let Some(name) = alias.or_else(|| path.last().cloned()).filter(|_| has_item) {
            let bound = resolve(&self.module, &path);
            self.bindings.insert(name, bound);
            self.find(line, path);
        }
    }

    fn use_list(&mut self, path: &[String]) {
        loop {
            self.at += 1;
            self.use_tree(path.to_vec());
            match self.kind(self.at) {
                Some(Kind::Mark(',')) => {}
                Some(Kind::Mark('}')) => {
                    self.at += 1;
                    return;
                }
                _ => return,
            }
        }
    }

    fn resolved(&self) -> Vec<Name> {
        let names = self.found.iter().map(|found| {
            let mut path = resolve(&found.module, &found.segments);
            let bound = self.bindings.get(&path[0]);
            if let Some(bound) = bound.filter(|bound| bound[0] != path[0]) {
                path = bound.iter().chain(&path[1..]).cloned().collect();
            }
            Name {
                line: found.line,
                path: path.join("::"),
            }
        });
        names.collect()
    }
}

/// Writes a path out that begins with `self` or `super`. The library is `crate` to the program beside it.
fn resolve(module: &[String], segments: &[String]) -> Vec<String> {
    let mut module = module.to_vec();
    let mut rest = segments;
    match segments.first().map(String::as_str) {
        Some("bigbrotr") => {
            module.clear();
            rest = &segments[1..];
        }
        Some("self") => rest = &segments[1..],
        Some("super") => {
            while rest.first().is_some_and(|first| first == "super") {
                module.pop();
                rest = &rest[1..];
            }
        }
        _ => return segments.to_vec(),
    }
    let root = std::iter::once("crate".to_owned());
    root.chain(module).chain(rest.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(file: &str, text: &str) -> Vec<String> {
        let source = Source::read(file, text);
        source.names.into_iter().map(|name| name.path).collect()
    }

    #[test]
    fn use_trees_are_written_out() {
        let text =
            "pub use crate::{store::{Store, lmdb::*,}, net as n};\nuse ::tokio::{self, net};";
        assert_eq!(
            names("src/app.rs", text),
            [
                "crate::store::Store",
                "crate::store::lmdb::*",
                "crate::net",
                "tokio",
                "tokio::net"
            ]
        );
    }

    #[test]
    fn relative_paths_are_followed_from_the_module_they_stand_in() {
        let text = "use super::a::B; use self::c; fn f() { super::super::d::E::new() }
                    mod tests { use super::*; mod deeper { use super::super::g; } }
                    use super::last;";
        assert_eq!(
            names("src/services/monitor/mod.rs", text),
            [
                "crate::services::a::B",
                "crate::services::monitor::c",
                "crate::d::E::new",
                "crate::services::monitor::*",
                "crate::services::monitor::g",
                "crate::services::last",
            ]
        );
    }

    #[test]
    fn names_that_stand_for_paths_are_replaced() {
        let text = "use crate::store as s; mod child; fn f(x: s::lmdb::Y) -> child::Z<net::T> { use tokio::net; }";
        assert_eq!(
            names("src/http/root.rs", text),
            [
                "crate::store",
                "crate::store::lmdb::Y",
                "crate::http::root::child::Z",
                "tokio::net::T",
                "tokio::net",
            ]
        );
    }

    #[test]
    fn paths_in_expressions_types_and_macros_are_found_with_their_line() {
        let text = "fn f() {\n    let x = $crate::net::Net::<T>::new(a::b(), &'a c::D);\n}";
        let source = Source::read("src/cli/run.rs", text);
        let found = source.names.iter();
        let found: Vec<(usize, &str)> = found.map(|name| (name.line, name.path.as_str())).collect();
        assert_eq!(found, [(2, "crate::net::Net"), (2, "a::b"), (2, "c::D")]);
    }

    #[test]
    fn the_program_names_the_library() {
        assert_eq!(names("src/main.rs", "use bigbrotr::cli;"), ["crate::cli"]);
    }

    #[test]
    fn a_file_knows_its_part() {
        for (file, part) in [
            ("src/app.rs", "app"),
            ("src/app/settings.rs", "app"),
            ("src/store/lmdb/mod.rs", "store"),
        ] {
            assert_eq!(Source::read(file, "").part(), part);
        }
    }
}
