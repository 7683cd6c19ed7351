//! The statements of `sql/`, and what is asked of every one of them, whatever its engine.

use std::fs;
use std::path::{Path, PathBuf};

/// Where the page about SQL begins to speak about the second engine.
const POSTGRES_HEADING: &str = "\n## PostgreSQL\n";

/// A folder of `sql/`, which is also one of `src/store/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// Name and text of every query.
    pub(crate) fn queries(self) -> Vec<(String, String)> {
        let found = files(&self.folder().join("queries")).into_iter();
        let named = found.map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        });
        named.collect()
    }

    /// Fails for a query without a head comment, or of more than one statement.
    pub(crate) fn check_form(self) {
        for (name, text) in self.queries() {
            assert!(text.starts_with("/*\n"), "{name}.sql has a head comment");
            let (head, statement) = text.split_once("*/").unwrap();
            for heading in ["Purpose:", "Parameters:", "Result:", "Caller:", "Index:"] {
                assert!(head.contains(heading), "{name}.sql lacks {heading}");
            }
            assert!(
                !statement.contains("SELECT *"),
                "{name}.sql names its columns"
            );
            assert!(!statement.contains(';'), "{name}.sql is one statement");
        }
    }

    /// Fails for a query that no code loads, or that the page does not name.
    pub(crate) fn check_use(self) {
        let page = self.page();
        let code = self.code();
        for (name, _) in self.queries() {
            assert!(
                code.contains(&format!("queries/{name}.sql")),
                "{name}.sql is unused"
            );
            assert!(
                page.contains(&format!("`{name}`")),
                "sql/README.md lacks {name}"
            );
        }
    }

    /// What `sql/README.md` says about this engine.
    pub(crate) fn page(self) -> String {
        let page = fs::read_to_string(root().join("sql/README.md")).unwrap();
        let (sqlite, postgres) = page.split_once(POSTGRES_HEADING).unwrap();
        let part = match self {
            Self::Sqlite => sqlite,
            Self::Postgres => postgres,
        };
        part.to_owned()
    }

    /// Everything that is written about this engine in Rust.
    pub(crate) fn code(self) -> String {
        let files = files(&root().join("src/store").join(self.name()));
        let texts = files.iter().map(|path| fs::read_to_string(path).unwrap());
        texts.collect()
    }

    /// `sql/<engine>`.
    pub(crate) fn folder(self) -> PathBuf {
        root().join("sql").join(self.name())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// All files below a folder, in the order of their names.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort_unstable();
    found
}

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
