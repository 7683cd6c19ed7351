//! What ARCHITECTURE.md says about imports: the line of parts, the exceptions, and the homes.

use std::collections::BTreeMap;

/// The rules of the page.
#[derive(Debug)]
pub(crate) struct Page {
    /// Parts from left to right; those in one pair of braces together.
    levels: Vec<Vec<String>>,
    /// Pairs (from, to) that are allowed against the line.
    exceptions: Vec<(String, String)>,
    /// Paths that only some places may name.
    homes: BTreeMap<String, Vec<String>>,
}

impl Page {
    /// Reads the page's text.
    pub(crate) fn parse(text: &str) -> Self {
        let exceptions = rows(text, "from");
        let homes = rows(text, "path");
        Self {
            levels: levels(text),
            exceptions: exceptions.iter().flat_map(|row| pairs(row)).collect(),
            homes: homes.iter().flat_map(|row| homes_of(row)).collect(),
        }
    }

    /// All parts on the line.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &str> {
        self.levels.iter().flatten().map(String::as_str)
    }

    /// All pairs that are allowed against the line.
    pub(crate) fn exceptions(&self) -> &[(String, String)] {
        &self.exceptions
    }

    /// All places that may name what others may not.
    pub(crate) fn homes(&self) -> impl Iterator<Item = &str> {
        self.homes.values().flatten().map(String::as_str)
    }

    /// Whether `to` stands to the right of `from`; a part may always import itself.
    pub(crate) fn allows(&self, from: &str, to: &str) -> bool {
        let level = |part: &str| {
            let parts = |level: &Vec<String>| level.iter().any(|known| known == part);
            self.levels.iter().position(parts)
        };
        let follows_the_line = match (level(from), level(to)) {
            (Some(from), Some(to)) => from < to,
            _ => false,
        };
        from == to || follows_the_line
    }

    /// The places that may name `path`, from the longest path of the table that it begins with; `None`
    /// where everybody may.
    pub(crate) fn home(&self, path: &str) -> Option<&[String]> {
        let begins = |known: &&String| {
            let rest = path.strip_prefix(known.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        let known = self.homes.keys().filter(begins);
        let longest = known.max_by_key(|known| known.len())?;
        Some(&self.homes[longest])
    }
}

/// The line `main → cli → { services, relay } → …`, from left to right.
fn levels(text: &str) -> Vec<Vec<String>> {
    let line = text.lines().find(|line| line.starts_with("main →"));
    let levels = line.unwrap_or_default().split('→').map(|level| {
        let names = level.trim_matches([' ', '{', '}']).split(',');
        let names = names.map(|name| name.trim().to_owned());
        names.filter(|name| !name.is_empty()).collect()
    });
    levels
        .filter(|level: &Vec<String>| !level.is_empty())
        .collect()
}

/// The rows of the table whose first column has that title, each row as the code spans of its cells.
fn rows(text: &str, title: &str) -> Vec<Vec<Vec<String>>> {
    let is_title = |line: &&str| line.starts_with(&format!("| {title} |"));
    let table = text.lines().skip_while(|line| !is_title(line)).skip(2);
    let rows = table.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(code_spans).collect())
        .collect()
}

/// What stands between backticks.
fn code_spans(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn pairs(row: &[Vec<String>]) -> Vec<(String, String)> {
    let from = row.first().into_iter().flatten();
    let to = row.get(1).map_or(&[][..], Vec::as_slice);
    from.flat_map(|from| to.iter().map(|to| (from.clone(), to.clone())))
        .collect()
}

fn homes_of(row: &[Vec<String>]) -> Vec<(String, Vec<String>)> {
    let paths = row.first().into_iter().flatten();
    let places = row.get(1).cloned().unwrap_or_default();
    paths.map(|path| (path.clone(), places.clone())).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A small page of the same form.
    pub(crate) const PAGE: &str = "
text

```text
main → cli → { app, telemetry } → { services, relay, http } → store → { config, clock } → nips
```

| from | to | because |
|---|---|---|
| `http` | `relay` | sockets |

| path | only in | because |
|---|---|---|
| `sqlx`, `heed` | `store` | traits |
| `axum` | `http` | |
| `axum::extract::ws` | `http`, `relay/server` | sockets |
| `crate::store::lmdb` | `store`, `app` | one place |

| path | not a rule |
";

    #[test]
    fn the_line_is_read_from_left_to_right() {
        let page = Page::parse(PAGE);
        assert_eq!(page.parts().count(), 11);
        assert!(page.allows("cli", "nips") && page.allows("store", "config"));
        assert!(page.allows("http", "http"));
        assert!(!page.allows("store", "app") && !page.allows("services", "relay"));
        assert!(!page.allows("store", "elsewhere") && !page.allows("elsewhere", "store"));
    }

    #[test]
    fn exceptions_and_homes_are_read_from_their_tables() {
        let page = Page::parse(PAGE);
        assert_eq!(page.exceptions(), [("http".to_owned(), "relay".to_owned())]);
        assert_eq!(page.home("sqlx::Row").unwrap(), ["store"]);
        assert_eq!(page.home("axum::Router").unwrap(), ["http"]);
        let sockets = page.home("axum::extract::ws::Message");
        assert_eq!(sockets.unwrap(), ["http", "relay/server"]);
        assert_eq!(page.home("crate::store::lmdb_free"), None);
        assert_eq!(page.homes().count(), 7);
    }

    #[test]
    fn a_page_without_the_line_allows_nothing() {
        let page = Page::parse("nothing");
        assert_eq!(page.parts().count(), 0);
        assert!(!page.allows("cli", "app"));
    }
}
