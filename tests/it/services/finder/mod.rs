//! The finder: relay URLs from what is archived, and from directories on the web.

mod directories;
mod directory;
mod events;

use bigbrotr::config::{ApiConfig, FinderConfig, FinderEvents};
use bigbrotr::model::{ServiceName, StateType};
use bigbrotr::services::Context;
use bigbrotr::services::finder::Finder;

use super::given::Given;

/// A finder that reads events so many at a step, and no directories.
fn event_finder(context: &Context, batch_size: usize) -> Finder {
    let config = FinderConfig {
        events: FinderEvents {
            batch_size,
            ..FinderEvents::default()
        },
        api: ApiConfig {
            enabled: false,
            ..ApiConfig::default()
        },
        ..FinderConfig::default()
    };
    Finder::new(context.clone(), config)
}

/// The candidates' URLs with their sources, sorted.
async fn named(given: &Given) -> Vec<(String, String)> {
    let candidates = given.candidates().await.into_iter();
    let mut named: Vec<_> = candidates
        .map(|candidate| (candidate.url.to_string(), candidate.source))
        .collect();
    named.sort();
    named
}

/// How far the log of arrivals has been read.
async fn cursor(given: &Given) -> Option<u64> {
    let row = given
        .store()
        .state(ServiceName::Finder, StateType::Cursor, "arrivals");
    row.await.unwrap()?.value["batch"].as_u64()
}
