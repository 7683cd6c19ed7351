//! `bigbrotr sync RELAY…`: some relays now, with the synchronizer's own settings and records.

mod account;
mod ticker;

use anyhow::{Context, Result};
use clap::Args;
use futures_util::future::try_join_all;
use nips::{Filter, RelayUrl};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::account::Account;
use self::ticker::Ticker;
use super::output;
use super::relay_argument::relay_url;
use crate::app::{App, net_settings};
use crate::config::Config;
use crate::lifecycle::{Exit, GRACE, Lifecycle, Tokens};
use crate::model::{NewRelay, Relay, ServiceName};
use crate::net::Net;
use crate::services::synchronizer::{ErrandEnd, Progress, Synchronizer};
use crate::store::Store;
use crate::store::coverage::FilterId;

#[derive(Debug, Args)]
pub(super) struct SyncOptions {
    /// Relays, e.g. wss://relay.example.com; without a scheme it is wss; one that is not known yet is added
    #[arg(required = true, value_name = "RELAY", value_parser = relay_url)]
    relays: Vec<RelayUrl>,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn sync(config: Config, mut options: SyncOptions) -> Result<Exit> {
    options.relays.sort();
    options.relays.dedup();
    let net = Net::new(net_settings(&config, ServiceName::Synchronizer)?)?;
    for url in &options.relays {
        if let Err(failure) = net.check_network(url.network()) {
            return Err(super::usage(&format!("{url}: {failure}")));
        }
    }
    let lifecycle = Lifecycle::new(GRACE)?;
    let tokens = lifecycle.tasks().tokens().clone();
    let app = App::open(config, lifecycle.tasks()).await?;
    let work = async {
        let done = sync_all(&app, &options, &tokens).await;
        done.map_err(|failure| format!("{failure:#}"))?
    };
    let exit = lifecycle.run(work).await;
    app.close().await;
    Ok(exit)
}

/// The inner result says whether every relay is done.
async fn sync_all(app: &App, options: &SyncOptions, tokens: &Tokens) -> Result<Result<(), String>> {
    let synchronizer = app.synchronizer()?;
    let ticker = Ticker::new();
    let errands = options
        .relays
        .iter()
        .map(|url| sync_one(app, &synchronizer, &ticker, url, tokens));
    let accounts = try_join_all(errands).await?;
    let text = if options.json {
        let accounts: Vec<_> = accounts.iter().map(Account::to_json).collect();
        format!("{:#}\n", serde_json::Value::from(accounts))
    } else {
        let texts = accounts.iter().map(|account| account.to_text());
        texts.collect::<Vec<_>>().join("\n")
    };
    output::print(&text)?;
    let has_failed = |account: &&Account| {
        let end = account.errand.end;
        !matches!(end, ErrandEnd::CaughtUp | ErrandEnd::Interrupted)
    };
    Ok(match accounts.iter().filter(has_failed).count() {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} relays failed", accounts.len())),
    })
}

async fn sync_one(
    app: &App,
    synchronizer: &Synchronizer,
    ticker: &Ticker,
    url: &RelayUrl,
    tokens: &Tokens,
) -> Result<Account> {
    let (relay, is_added) = find_or_add(app, url).await?;
    if is_added {
        ticker.tell(&format!("{url} is a new relay and was added"));
    }
    let begun = Instant::now();
    let (sender, watcher) = watch::channel(Progress::default());
    let filters = &app.config().synchronizer.processing_for(url).filters;
    // A task of its own, so that several relays have all cores.
    let mut errands = JoinSet::new();
    errands.spawn({
        let (synchronizer, tokens) = (synchronizer.clone(), tokens.clone());
        let relay = relay.clone();
        async move { synchronizer.run_errand(&relay, &tokens, &sender).await }
    });
    let gaps = async || count_gaps(&**app.store(), &relay, filters).await;
    let errand = ticker.watch(url, gaps, watcher, errands.join_next()).await;
    let errand = errand.expect("one was begun");
    let errand = errand.with_context(|| format!("{url}: the work on it was cut short"))??;
    let mut account = Account::new(relay.url.clone(), is_added, errand, begun.elapsed());
    let now = app.clock().now();
    account
        .read_record(&**app.store(), &relay, filters, now)
        .await?;
    Ok(account)
}

/// How many gaps are on record; progress is not worth failing for.
async fn count_gaps(store: &dyn Store, relay: &Relay, filters: &[Filter]) -> u64 {
    let mut gaps = 0;
    for filter in filters {
        let found = store.gaps(relay.id, FilterId::of(filter)).await;
        gaps += found.unwrap_or_default().len() as u64;
    }
    gaps
}

/// The relay of that URL, and whether it is here since just now.
async fn find_or_add(app: &App, url: &RelayUrl) -> Result<(Relay, bool)> {
    let store = app.store();
    if let Some(known) = store.relay_by_url(url).await? {
        return Ok((known, false));
    }
    let now = app.clock().now();
    let new = NewRelay {
        url: url.clone(),
        discovered_at: now,
    };
    let added = store.add_relays(&[new], now).await?;
    let relay = store.relay_by_url(url).await?;
    Ok((relay.context("the relay was added")?, added > 0))
}
