//! The command line: what can be asked for, and what each command does.
//!
//! A command is a file of `cli/` whose main function reads top to bottom. Results go to standard
//! output, everything else to standard error.

mod backup;
mod banner;
mod check;
mod doctor;
mod export;
mod import;
mod keygen;
mod lines;
mod output;
mod pass;
mod relay_argument;
mod relay_status;
mod run;
mod status;
mod supervisor;
mod sync;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::app::App;
use crate::config::{
    Config, ConfigError, Environment, FileName, LogFormat, LogLevel, Overrides, Paths, sample,
};
use crate::lifecycle::{Exit, Tasks};
use crate::model::ServiceName;
use crate::telemetry;

use supervisor::Supervisor;

/// Time that blocking calls get at the end of the process. Whatever has to be finished is waited for
/// before; what is left, such as a read from a terminal, may never return.
const LEFTOVERS: Duration = Duration::from_secs(1);

/// Discovers, validates, monitors and archives Nostr relays, and serves the archive over a relay of
/// its own.
#[derive(Debug, Parser)]
#[command(name = "bigbrotr", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: GlobalOptions,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct GlobalOptions {
    /// Folder of brotr.yaml and services/; may be missing
    #[arg(
        long = "config",
        value_name = "DIR",
        default_value = "config",
        global = true
    )]
    config_dir: PathBuf,
    /// Folder of relay.yaml and policy.yaml; may be missing
    #[arg(
        long = "relay-config",
        value_name = "DIR",
        default_value = "relay-config",
        global = true
    )]
    relay_config_dir: PathBuf,
    /// Folder of the embedded store and the monitor's key
    #[arg(long, value_name = "DIR", default_value = "data", global = true)]
    data_dir: PathBuf,
    /// Least severe level that is logged
    #[arg(long, value_enum, global = true)]
    log_level: Option<LogLevel>,
    /// Form of a log line
    #[arg(long, value_enum, global = true)]
    log_format: Option<LogFormat>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Every role in one process
    Run(run::RunOptions),
    /// Reads the seed list
    Seeder(ServiceOptions),
    /// Finds relay URLs in stored events and HTTP documents
    Finder(ServiceOptions),
    /// Promotes candidates that speak Nostr
    Validator(ServiceOptions),
    /// Checks relays and publishes NIP-66
    Monitor(ServiceOptions),
    /// Archives events
    Synchronizer(ServiceOptions),
    /// Archives these relays now, known or not, and says how far it is
    Sync(sync::SyncOptions),
    /// Keeps figures and views up to date, and enforces retention
    Refresher(ServiceOptions),
    /// Serves the archive over WebSocket and HTTP
    Relay,
    /// Puts JSONL files (plain, .gz, .zst) into the archive
    Import(import::ImportOptions),
    /// Writes the archive as JSONL
    Export(export::ExportOptions),
    /// Copies the embedded store into a new folder, while it is in use
    Backup(backup::BackupOptions),
    /// What the archive knows: relays, events, lag, gaps, last cycles
    Status(status::StatusOptions),
    /// Makes every check on relays now and says what was found
    Check(check::CheckOptions),
    /// Loads the configuration and prints every value with its source
    CheckConfig,
    /// Prints complete commented samples of the configuration files
    DefaultConfig(SampleOptions),
    /// Brings the database schema up to date
    Migrate,
    /// Makes a new Nostr key pair
    Keygen,
    /// Checks this machine and says what to do about each failure
    Doctor,
}

#[derive(Debug, Args)]
struct ServiceOptions {
    /// Run one cycle and exit; the exit code is 1 when it failed
    #[arg(long)]
    once: bool,
}

#[derive(Debug, Args)]
struct SampleOptions {
    /// brotr, seeder, finder, validator, monitor, synchronizer, refresher, relay or policy; all
    /// without it
    #[arg(value_name = "SECTION", value_parser = section)]
    section: Option<FileName>,
}

fn section(name: &str) -> Result<FileName, String> {
    let names = FileName::ALL.map(FileName::as_str).join(", ");
    FileName::from_name(name).ok_or_else(|| format!("expected one of {names}"))
}

/// Does what the command line asks for. Usage errors and `--help` end the process here.
pub fn main(environment: Environment) -> Exit {
    let cli = Cli::parse();
    match dispatch(cli, &environment) {
        Ok(exit) => exit,
        Err(failure) => report(&failure),
    }
}

fn report(failure: &anyhow::Error) -> Exit {
    if let Some(usage) = failure.downcast_ref::<clap::Error>() {
        // Where standard error is closed there is nobody to tell.
        let _ = usage.print();
        return Exit::Usage;
    }
    eprintln!("error: {failure:#}");
    if failure.is::<ConfigError>() {
        Exit::Usage
    } else {
        Exit::Failed
    }
}

/// A command line whose parts are fine and do not go together.
fn usage(message: &str) -> anyhow::Error {
    Cli::command()
        .error(ErrorKind::ArgumentConflict, message)
        .into()
}

fn dispatch(cli: Cli, environment: &Environment) -> Result<Exit> {
    match cli.command {
        Command::DefaultConfig(options) => return print_samples(&options),
        Command::Keygen => return keygen::keygen(),
        _ => {}
    }
    let mut overrides = Overrides {
        log_level: cli.global.log_level,
        log_format: cli.global.log_format,
    };
    if shows_progress(&cli.command) {
        overrides.log_level = overrides.log_level.or(Some(LogLevel::Warn));
    }
    let paths = Paths {
        config_dir: cli.global.config_dir,
        relay_config_dir: cli.global.relay_config_dir,
        data_dir: cli.global.data_dir,
    };
    let config = Config::load(&paths, environment, overrides)?;
    if uses_all_settings(&cli.command) {
        crate::app::check(&config)?;
    }
    if matches!(cli.command, Command::CheckConfig) {
        output::print(&config.listing())?;
        return Ok(Exit::Done);
    }
    let traces = telemetry::install(&config.brotr.log, environment);
    let traces = traces.context("could not start logging")?;
    let runtime = tokio::runtime::Runtime::new().context("could not start the runtime")?;
    let supervisor = Supervisor::find(environment);
    let work = perform(cli.command, config, supervisor);
    let exit = runtime.block_on(traces.beside(work));
    runtime.shutdown_timeout(LEFTOVERS);
    exit
}

/// Commands that would meet a certificate or a key that cannot be used, and had better say so first.
fn uses_all_settings(command: &Command) -> bool {
    !matches!(
        command,
        Command::Import(_)
            | Command::Export(_)
            | Command::Backup(_)
            | Command::Status(_)
            | Command::Check(_)
            | Command::Migrate
            | Command::Doctor
    )
}

async fn perform(command: Command, config: Config, supervisor: Supervisor) -> Result<Exit> {
    if let Some((role, options)) = command.role() {
        return match options {
            Some(options) if options.once => Box::pin(pass::pass(config, &[role])).await,
            _ => run::roles(config, &[role], supervisor).await,
        };
    }
    match command {
        Command::Run(options) => Box::pin(run::run(config, options, supervisor)).await,
        Command::Sync(options) => Box::pin(sync::sync(config, options)).await,
        Command::Import(options) => Box::pin(import::import(config, options)).await,
        Command::Export(options) => Box::pin(export::export(config, options)).await,
        Command::Backup(options) => backup::backup(config, options).await,
        Command::Status(options) => Box::pin(status::status(config, &options)).await,
        Command::Check(options) => Box::pin(check::check(config, options)).await,
        Command::Migrate => Box::pin(migrate(config)).await,
        Command::Doctor => Box::pin(doctor::doctor(config)).await,
        // Done before, or a role.
        _ => Ok(Exit::Done),
    }
}

impl Command {
    /// The one role that a command stands for; the relay has no cycles, and so no options.
    fn role(&self) -> Option<(ServiceName, Option<&ServiceOptions>)> {
        Some(match self {
            Self::Seeder(options) => (ServiceName::Seeder, Some(options)),
            Self::Finder(options) => (ServiceName::Finder, Some(options)),
            Self::Validator(options) => (ServiceName::Validator, Some(options)),
            Self::Monitor(options) => (ServiceName::Monitor, Some(options)),
            Self::Synchronizer(options) => (ServiceName::Synchronizer, Some(options)),
            Self::Refresher(options) => (ServiceName::Refresher, Some(options)),
            Self::Relay => (ServiceName::Relay, None),
            _ => return None,
        })
    }
}

/// Commands that draw on the terminal say the rest only when it matters.
fn shows_progress(command: &Command) -> bool {
    let draws = match command {
        Command::Run(options) => options.once,
        Command::Import(_) | Command::Sync(_) | Command::Check(_) => true,
        _ => false,
    };
    draws && output::is_terminal()
}

fn print_samples(options: &SampleOptions) -> Result<Exit> {
    let files = options
        .section
        .map_or_else(|| FileName::ALL.to_vec(), |file| vec![file]);
    let samples: Vec<String> = files.into_iter().map(sample).collect();
    output::print(&samples.join("\n\n"))?;
    Ok(Exit::Done)
}

async fn migrate(mut config: Config) -> Result<Exit> {
    config.brotr.store.migrate = true;
    let store = &config.brotr.store;
    let what = if store.is_embedded() {
        config.data_dir.display().to_string()
    } else {
        store.url.clone()
    };
    let app = App::open(config, Tasks::default()).await?;
    let roles = app.set_passwords().await;
    app.close().await;
    output::print(&format!("the schema of {what} is up to date\n"))?;
    let roles = roles?;
    if !roles.is_empty() {
        output::print(&format!("passwords were set for {}\n", roles.join(", ")))?;
    }
    Ok(Exit::Done)
}
