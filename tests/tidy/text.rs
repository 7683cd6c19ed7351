//! Rules about files as text: manifests, pages, notes to oneself, names of modules.

/// Lines of a page that fit on a screen.
const SCREEN_LINES: usize = 50;

/// Crates that bring input, output, clocks or randomness.
const IMPURE: [&str; 12] = [
    "axum",
    "futures-util",
    "heed",
    "hickory-resolver",
    "hyper",
    "rand",
    "reqwest",
    "sqlx",
    "tokio",
    "tokio-tungstenite",
    "tokio-util",
    "tracing",
];

/// Names of modules that have not found their noun.
const NAMELESS: [&str; 8] = [
    "common",
    "helper",
    "helpers",
    "manager",
    "misc",
    "util",
    "utilities",
    "utils",
];

/// The dependencies of a manifest, those for tests left out.
pub(crate) fn dependencies(manifest: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_list = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            let (list, name) = section.split_once("dependencies").unwrap_or(("dev-", ""));
            is_list = !list.ends_with("dev-") && name.is_empty();
            let name = name.strip_prefix('.').filter(|_| !list.ends_with("dev-"));
            found.extend(name.map(str::to_owned));
        } else if is_list && !line.is_empty() && !line.starts_with('#') {
            let name = line.split(['=', '.', ' ']).next().unwrap_or(line);
            found.push(name.to_owned());
        }
    }
    found
}

/// Dependencies that a crate without input and output cannot have.
pub(crate) fn impure(manifest: &str) -> Vec<String> {
    let mut names = dependencies(manifest);
    names.retain(|name| IMPURE.contains(&name.as_str()));
    names
}

/// What is wrong with the page of a folder; `None` for its text means that there is none.
pub(crate) fn page_problem(folder: &str, text: Option<&str>) -> Option<String> {
    let Some(text) = text else {
        return Some(format!("{folder} has no README.md"));
    };
    let lines = text.lines().count();
    let is_long = lines > SCREEN_LINES;
    is_long.then(|| format!("{folder}/README.md has {lines} lines, a screen has {SCREEN_LINES}"))
}

/// Lines with a note to oneself that names no issue (`#12`).
pub(crate) fn loose_notes(text: &str) -> Vec<usize> {
    // In halves, so that this file passes.
    let words = [concat!("TO", "DO"), concat!("FIX", "ME")];
    let has_issue = |line: &str| {
        let mut parts = line.split('#').skip(1);
        parts.any(|part| part.starts_with(|c: char| c.is_ascii_digit()))
    };
    let is_loose = |line: &str| {
        let mut all = line.split(|c: char| !c.is_ascii_alphanumeric());
        all.any(|word| words.contains(&word)) && !has_issue(line)
    };
    let lines = text.lines().enumerate();
    let loose = lines.filter(|(_, line)| is_loose(line));
    loose.map(|(index, _)| index + 1).collect()
}

/// Whether a Rust file or folder of that name says nothing about what is inside.
pub(crate) fn is_nameless(stem: &str) -> bool {
    NAMELESS.contains(&stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "
[package]
name = \"x\"
[dependencies]
serde.workspace = true
tokio = { version = \"1\" }
# sqlx is not here
[dependencies.rand]
version = \"1\"
[target.'cfg(unix)'.dependencies]
hyper = \"1\"
[dev-dependencies]
reqwest = \"1\"
[dev-dependencies.heed]
version = \"1\"
[lints]
workspace = true
";

    #[test]
    fn dependencies_are_those_of_every_list_but_the_tests() {
        let found = dependencies(MANIFEST);
        assert_eq!(found, ["serde", "tokio", "rand", "hyper"]);
        assert_eq!(impure(MANIFEST), ["tokio", "rand", "hyper"]);
    }

    #[test]
    fn a_page_fits_on_a_screen() {
        assert_eq!(page_problem("a", Some(&"x\n".repeat(50))), None);
        let long = page_problem("a", Some(&"x\n".repeat(51)));
        assert!(long.unwrap().contains("51 lines"));
        assert!(page_problem("a", None).unwrap().contains("no README.md"));
    }

    #[test]
    fn a_note_names_its_issue() {
        let note = concat!("TO", "DO");
        let text = format!("// {note}: later\n// {note} #12: later\n{note}S\n// {note} # 12");
        assert_eq!(loose_notes(&text), [1, 4]);
    }

    #[test]
    fn modules_are_nouns() {
        assert!(is_nameless("utils") && !is_nameless("lines"));
    }
}
