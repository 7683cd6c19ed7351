//! `cargo run -p fleet`: a Nostr network on loopback for somebody to look at.
//!
//! Starts a mixed fleet, writes the configuration that points `bigbrotr` at it, prints what runs and keeps
//! serving until Ctrl-C.

mod table;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use fleet::{Behaviour, ConfigOptions, ConfigPaths, Fleet, FleetPlan, Member};

/// A Nostr network on loopback: healthy relays, broken relays, TLS, Tor-like names, DNS.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// How many relays
    #[arg(long, default_value_t = 60)]
    relays: usize,
    /// How many events, spread over the relays that hold events
    #[arg(long, default_value_t = 5_000)]
    events: usize,
    /// Decides names, events and misbehaviour
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many relays the seed list names; the others are for the finder [default: three in four]
    #[arg(long)]
    listed: Option<usize>,
    /// Where to write the configuration for bigbrotr
    #[arg(long, default_value = "target/fleet")]
    config_dir: PathBuf,
    /// Take a healthy relay down each so many seconds, and bring it back after half of them
    #[arg(long, value_name = "SECONDS")]
    takedown: Option<u64>,
    /// Stop by itself after so many seconds
    #[arg(long, value_name = "SECONDS")]
    duration: Option<u64>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let plan = FleetPlan::mixed(options.seed, options.relays, options.events);
    let fleet = Fleet::start(plan).await?;
    let listed = options.listed.unwrap_or(options.relays * 3 / 4);
    let config = ConfigOptions {
        listed_members: Some(listed),
        ..ConfigOptions::default()
    };
    let paths = fleet.write_config(&options.config_dir, &config)?;
    table::print(&fleet);
    print_directions(&fleet, &paths);
    println!("The seed list names the first {listed} relays; the others are in relay lists.");
    println!("Ctrl-C stops the laboratory.");
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("could not wait for Ctrl-C")?,
        () = run_out(options.duration) => {}
        ended = take_down(&fleet, options.takedown) => ended?,
    }
    println!("\nStopping.");
    fleet.stop().await;
    Ok(())
}

fn print_directions(fleet: &Fleet, paths: &ConfigPaths) {
    println!("SOCKS5  {}", fleet.socks().url());
    println!("DNS     {}", fleet.dns().address());
    println!("seeds   {}", paths.seeds.display());
    println!("\nPoint BigBrotr at this network with:\n");
    println!("    bigbrotr run {}\n", paths.arguments().join(" "));
}

async fn run_out(duration: Option<u64>) {
    match duration {
        Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
        None => std::future::pending().await,
    }
}

async fn take_down(fleet: &Fleet, seconds: Option<u64>) -> Result<()> {
    let is_healthy = |member: &&Member| *member.behaviour() == Behaviour::Healthy;
    let healthy: Vec<&Member> = fleet.members().iter().filter(is_healthy).collect();
    let (Some(seconds), false) = (seconds, healthy.is_empty()) else {
        return std::future::pending().await;
    };
    let half = Duration::from_secs(seconds.max(2)) / 2;
    for member in healthy.iter().cycle() {
        tokio::time::sleep(half).await;
        member.go_down().await;
        println!("down    {}", member.url());
        tokio::time::sleep(half).await;
        member.come_back().await?;
        println!("back    {}", member.url());
    }
    Ok(())
}
