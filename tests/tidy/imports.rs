//! Which imports break the rules of the page.

use super::page::Page;
use super::source::{Name, Source};

/// The services, which meet only in the store. What else is in `src/services` is shared by them.
pub(crate) const SERVICES: [&str; 6] = [
    "seeder",
    "finder",
    "validator",
    "monitor",
    "synchronizer",
    "refresher",
];

/// What breaks a rule, one sentence each, with file and line.
pub(crate) fn violations(page: &Page, source: &Source) -> Vec<String> {
    let names = source.names.iter();
    names
        .flat_map(|name| {
            let found = [
                against_the_line(page, source, name),
                between_services(source, name),
                away_from_home(page, source, name),
            ];
            let place = format!("{}:{}", source.file, name.line);
            let said = found.into_iter().flatten();
            said.map(move |what| format!("{place}: {what}"))
        })
        .collect()
}

/// The pairs of parts that the line forbids and this file needs.
pub(crate) fn crossings(page: &Page, source: &Source) -> Vec<(String, String)> {
    let parts = source.names.iter().filter_map(|name| part_of(&name.path));
    parts
        .filter(|part| !page.allows(source.part(), part))
        .map(|part| (source.part().to_owned(), part.to_owned()))
        .collect()
}

fn part_of(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("crate::")?;
    rest.split("::").next()
}

fn against_the_line(page: &Page, source: &Source, name: &Name) -> Option<String> {
    let (from, to) = (source.part(), part_of(&name.path)?);
    let excepted = page.exceptions().iter();
    let is_excepted = excepted.into_iter().any(|(f, t)| f == from && t == to);
    let is_allowed = page.allows(from, to) || is_excepted;
    (!is_allowed).then(|| format!("{from} may not import {to} ({})", name.path))
}

fn between_services(source: &Source, name: &Name) -> Option<String> {
    let inside = source.place().strip_prefix("services/")?;
    let own = inside.split('/').next()?;
    let named = name.path.strip_prefix("crate::services::")?;
    let named = named.split("::").next()?;
    let is_other = SERVICES.contains(&named) && named != own;
    is_other.then(|| format!("{own} may not import the service {named}; they meet in the store"))
}

fn away_from_home(page: &Page, source: &Source, name: &Name) -> Option<String> {
    let homes = page.home(&name.path)?;
    let place = source.place();
    let is_home = |home: &String| {
        let rest = place.strip_prefix(home.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let is_at_home = homes.iter().any(is_home);
    (!is_at_home).then(|| format!("{} is only for {}", name.path, homes.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::page::tests::PAGE;
    use super::*;

    fn found(file: &str, text: &str) -> Vec<String> {
        violations(&Page::parse(PAGE), &Source::read(file, text))
    }

    #[test]
    fn what_follows_the_line_is_fine() {
        for (file, text) in [
            ("src/cli/run.rs", "use crate::{app::App, store::Store};"),
            (
                "src/services/mod.rs",
                "mod seeder; use crate::store::Store;",
            ),
            ("src/services/monitor/mod.rs", "use super::runner::Runner;"),
            (
                "src/app.rs",
                "use crate::services::monitor::Monitor; use crate::store::lmdb::X;",
            ),
            (
                "src/http/root.rs",
                "use crate::relay::Relay; use axum::Router;",
            ),
            (
                "src/relay/server.rs",
                "use axum::extract::ws::WebSocket; use tokio::sync::mpsc;",
            ),
            (
                "src/store/sqlite/rows.rs",
                "use sqlx::Row; use super::super::lmdb::X;",
            ),
        ] {
            assert_eq!(found(file, text), [""; 0], "{file}");
        }
    }

    #[test]
    fn every_rule_can_be_broken() {
        for (file, text, what) in [
            (
                "src/store/a.rs",
                "use crate::app::App;",
                "store may not import app",
            ),
            (
                "src/relay/a.rs",
                "fn f() { crate::services::x() }",
                "relay may not import services",
            ),
            (
                "src/services/a.rs",
                "use crate::{store, relay::Relay};",
                "services may not import relay",
            ),
            (
                "src/relay/a.rs",
                "use crate::http::Site;",
                "relay may not import http",
            ),
            (
                "src/clock.rs",
                "use super::config::Config;",
                "clock may not import config",
            ),
            (
                "src/cli.rs",
                "use crate::missing::X;",
                "cli may not import missing",
            ),
            (
                "src/services/monitor/a.rs",
                "use super::super::finder::F;",
                "monitor may not import the service finder",
            ),
            (
                "src/services/seeder.rs",
                "use super::validator;",
                "seeder may not import the service validator",
            ),
            (
                "src/services/runner.rs",
                "use super::{backoff, monitor::Monitor};",
                "runner may not import the service monitor",
            ),
            (
                "src/services/mod.rs",
                "pub mod monitor; pub use monitor::Monitor;",
                "mod may not import the service monitor",
            ),
            (
                "src/archive/a.rs",
                "fn f(_: heed::Env) {}",
                "heed::Env is only for store",
            ),
            (
                "src/cli/a.rs",
                "use crate::store; fn f(_: store::lmdb::X) {}",
                "crate::store::lmdb::X is only for store, app",
            ),
            (
                "src/relay/server.rs",
                "use axum::Router;",
                "axum::Router is only for http",
            ),
            (
                "src/relay/session.rs",
                "use axum::extract::ws::Message;",
                "only for http, relay/server",
            ),
        ] {
            let found = found(file, text);
            assert_eq!(found.len(), 1, "{file}: {found:?}");
            let place = format!("{file}:1: ");
            let is_said = |said: &String| said.starts_with(&place) && said.contains(what);
            assert!(found.iter().any(is_said), "{what}: {found:?}");
        }
    }

    #[test]
    fn comments_and_texts_break_nothing() {
        let text = "// use crate::app::App;\nconst A: &str = \"use sqlx::Row\";";
        assert_eq!(found("src/store/a.rs", text).len(), 0);
    }

    #[test]
    fn crossings_are_what_the_line_alone_forbids() {
        let source = Source::read(
            "src/http/root.rs",
            "use crate::{relay::Relay, store::Store};",
        );
        let found = crossings(&Page::parse(PAGE), &source);
        assert_eq!(found, [("http".to_owned(), "relay".to_owned())]);
    }
}
