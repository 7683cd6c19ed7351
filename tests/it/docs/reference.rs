//! The reference, written from the code.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;

use bigbrotr::config::{FileName, sample};
use bigbrotr::metrics::catalogue;

use crate::cli::operator::Operator;
use crate::generated;
use crate::sql_files::{Engine, files, root};

const HEAD: &str = "<!-- Written from the code by `make generated`. -->\n";

#[test]
fn the_page_of_settings_is_generated() {
    let mut page = format!(
        "# Settings\n\n{HEAD}\nEvery key of every file, with its meaning, bounds and default. `bigbrotr default-config` prints the same.\n"
    );
    for file in FileName::ALL {
        let _ = write!(
            page,
            "\n## {}\n\n```yaml\n{}```\n",
            file.as_str(),
            sample(file)
        );
    }
    generated::hold("docs/reference/configuration.md", &page);
}

#[test]
fn the_page_of_commands_is_generated() {
    let operator = Operator::bare();
    let overview = operator.done(&["--help"]);
    let (_, commands) = overview.split_once("\nCommands:\n").unwrap();
    let (commands, _) = commands.split_once("\n\n").unwrap();
    let names = commands
        .lines()
        .map(|line| line.split_whitespace().next().unwrap());
    let mut page = format!("# Commands\n\n{HEAD}\n```text\n{}\n```\n", clean(&overview));
    for name in names.filter(|name| *name != "help") {
        let help = operator.done(&[name, "--help"]);
        // What is the same for all is above.
        let own = help.split("\n      --config <DIR>").next().unwrap();
        let _ = write!(page, "\n## {name}\n\n```text\n{}\n```\n", clean(own));
    }
    page.push_str(
        "\nExit codes: 0 done, or stopped by a signal after a clean shutdown; 1 a cycle failed or a service gave up; 2 the \
         settings or the command line are wrong; 130 a second Ctrl-C.\n",
    );
    generated::hold("docs/reference/command-line.md", &page);
}

/// Without spaces at the ends of lines.
fn clean(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines
        .join("\n")
        .trim_end()
        .trim_end_matches("\nOptions:")
        .trim_end()
        .to_owned()
}

#[test]
fn the_page_of_metrics_is_generated() {
    let mut page = format!(
        "# Metrics\n\n{HEAD}\nServed at `metrics.host:port` under `/metrics`. `service_gauge` has a value for each number of a \
         service's last cycle, `service_counter_total` the same summed up as `total_…`, and `cycles_success`, \
         `cycles_failed` and `errors_REASON`. Beside these there are the usual `process_…` of Prometheus.\n\n\
         | metric | type | labels | what it is |\n|---|---|---|---|\n"
    );
    for metric in catalogue() {
        let labels: Vec<String> = metric
            .labels
            .iter()
            .map(|label| format!("`{label}`"))
            .collect();
        let (name, kind, labels) = (metric.name, metric.kind(), labels.join(", "));
        let _ = writeln!(page, "| `{name}` | {kind} | {labels} | {} |", metric.help());
    }
    generated::hold("docs/reference/metrics.md", &page);
}

#[test]
fn the_page_of_sql_is_generated() {
    let mut page = format!(
        "# SQL\n\n{HEAD}\nWhat is in a PostgreSQL database, by name. Analysts begin with the schema `nostr`, whose views have the \
         shape of the first BigBrotr, and with the materialized views. `sql/README.md` in the repository has columns, indexes, roles \
         and costs.\n\n## Tables\n\n| table | since migration |\n|---|---|\n"
    );
    let folder = Engine::Postgres.folder();
    for path in files(&folder.join("migrations")) {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let tables = text
            .lines()
            .filter_map(|line| line.strip_prefix("CREATE TABLE "));
        for table in tables.map(|rest| rest.split([' ', '(']).next().unwrap()) {
            let _ = writeln!(page, "| `{table}` | {name} |");
        }
    }
    for (title, kind) in [("Views", "views"), ("Functions", "functions")] {
        let _ = write!(page, "\n## {title}\n\n| name | what it is |\n|---|---|\n");
        for path in files(&folder.join(kind)) {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let name = match name.strip_prefix("nostr_") {
                Some(view) if kind == "views" && view != "schema" => format!("nostr.{view}"),
                _ => name,
            };
            let purpose = purpose(&fs::read_to_string(&path).unwrap());
            let _ = writeln!(page, "| `{name}` | {purpose} |");
        }
    }
    generated::hold("docs/reference/sql.md", &page);
}

/// What the comment at the head of a file says first.
fn purpose(text: &str) -> String {
    let mut words = Vec::new();
    for line in text.lines() {
        let line = line.trim_start_matches(['/', '*', '-', ' ']);
        let is_field = |name: &str| line.starts_with(name);
        let ends = ["Parameters:", "Result:", "Caller:", "Index:", "CREATE"]
            .into_iter()
            .any(is_field);
        let is_over = line.is_empty() && !words.is_empty();
        if ends || is_over {
            break;
        }
        words.extend(line.trim_start_matches("Purpose:").split_whitespace());
    }
    words.join(" ").replace('|', "\\|")
}

#[test]
fn the_page_of_log_lines_is_generated() {
    let mut rows = BTreeSet::new();
    for (place, text) in sources() {
        for level in ["error", "warn", "info", "debug"] {
            for call in text.split(&format!("{level}!(")).skip(1) {
                if let Some(message) = message(call) {
                    rows.insert((message.to_owned(), level, place.clone()));
                }
            }
        }
    }
    let mut page = format!(
        "# Log lines\n\n{HEAD}\n`level service message key=value …`. `error`: somebody has to act. `warn`: it goes on, with something \
         missing. `info`: a stage ended. `debug`: one relay. What repeats is counted: after twenty lines of one kind within a minute \
         comes `lines_left_out`. Keys, passwords and contents of events are in none.\n\n| line | level | from |\n|---|---|---|\n"
    );
    assert!(rows.len() > 60, "{}", rows.len());
    for (message, level, place) in rows {
        let _ = writeln!(page, "| `{message}` | {level} | {place} |");
    }
    generated::hold("docs/reference/logs.md", &page);
}

/// Where the page on monitoring says what the first BigBrotr's lines are called here.
const RENAMED: &str = "## From the first BigBrotr's lines to ours";

#[test]
fn what_a_line_is_called_now_is_a_line_or_a_metric() {
    let read = |page: &str| fs::read_to_string(root().join("docs").join(page)).unwrap();
    let known = read("reference/logs.md") + &read("reference/metrics.md");
    let monitoring = read("how-to/monitoring.md");
    let (_, section) = monitoring.split_once(RENAMED).unwrap();
    let (kept, table) = section.split_once("\n| ").unwrap();
    let ours = table.lines().filter_map(|row| row.rsplit(" | ").next());
    let mut names = 0;
    for text in ours.chain([kept]) {
        for name in text.split('`').skip(1).step_by(2) {
            let is_a_name = name.contains('_') && !name.contains('…');
            assert!(
                !is_a_name || known.contains(&format!("| `{name}` |")),
                "{name}"
            );
            names += usize::from(is_a_name);
        }
    }
    assert!(names > 30, "{names}");
}

/// Every file of the program without its tests, named as a part: `services/monitor`.
fn sources() -> Vec<(String, String)> {
    let folder = root().join("src");
    let mut found = Vec::new();
    let mut folders = vec![folder.clone()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let text = text
                    .split("#[cfg(test)]\nmod tests")
                    .next()
                    .unwrap()
                    .to_owned();
                let place = path.strip_prefix(&folder).unwrap().with_extension("");
                let place = place
                    .display()
                    .to_string()
                    .trim_end_matches("/mod")
                    .to_owned();
                found.push((place, text));
            }
        }
    }
    found
}

/// The message of a call, which stands last in it; `None` for what is no message.
fn message(call: &str) -> Option<&str> {
    let mut depth = 1;
    let mut is_quoted = false;
    let end = call.find(|c| {
        is_quoted ^= c == '"';
        depth += match c {
            '(' if !is_quoted => 1,
            ')' if !is_quoted => -1,
            _ => 0,
        };
        depth == 0
    })?;
    let message = call[..end]
        .trim_end()
        .trim_end_matches(',')
        .strip_suffix('"')?;
    let message = message.rsplit_once('"')?.1;
    Some(message).filter(|message| !message.contains('{'))
}
