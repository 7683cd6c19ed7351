//! Reads all files, the environment and the command line into one [`Config`].

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::{ConfigError, Problem};
use super::key::{Accepts, Key};
use super::section::{FileName, Section};
use super::tree::{Entry, Node, Value};
use super::{
    BrotrConfig, Environment, FinderConfig, LogFormat, LogLevel, MonitorConfig, NetworksConfig,
    PolicyConfig, RefresherConfig, RelayConfig, Secrets, SeederConfig, SynchronizerConfig,
    ValidatorConfig, WriteAccess,
};
use crate::model::ServiceName;

/// Variable that overrides `store.url`.
const DATABASE_URL: &str = "DATABASE_URL";

/// Source of a value that nobody set.
const DEFAULT: &str = "default";

/// Where configuration and data are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Folder of `brotr.yaml` and `services/`; may be missing.
    pub config_dir: PathBuf,
    /// Folder of `relay.yaml` and `policy.yaml`; may be missing.
    pub relay_config_dir: PathBuf,
    /// Folder of the embedded store and the monitor's key.
    pub data_dir: PathBuf,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            config_dir: "config".into(),
            relay_config_dir: "relay-config".into(),
            data_dir: "data".into(),
        }
    }
}

/// What the command line says instead of the files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--log-level`.
    pub log_level: Option<LogLevel>,
    /// `--log-format`.
    pub log_format: Option<LogFormat>,
}

/// Everything that was configured, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// What all roles share.
    pub brotr: BrotrConfig,
    /// The seeder.
    pub seeder: SeederConfig,
    /// The finder.
    pub finder: FinderConfig,
    /// The validator.
    pub validator: ValidatorConfig,
    /// The monitor.
    pub monitor: MonitorConfig,
    /// The synchronizer.
    pub synchronizer: SynchronizerConfig,
    /// The refresher.
    pub refresher: RefresherConfig,
    /// Our relay.
    pub relay: RelayConfig,
    /// Who may write what to our relay.
    pub policy: PolicyConfig,
    /// What must not be printed.
    pub secrets: Secrets,
    /// Folder of the embedded store and the monitor's key.
    pub data_dir: PathBuf,
    /// Where each value came from.
    pub(super) sources: Sources,
}

/// Where values came from: the documents that were read, and what was overridden.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources {
    pub(super) documents: Vec<Document>,
    pub(super) overridden: Vec<(FileName, &'static str, &'static str)>,
}

/// A configuration file as it was found.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub(super) file: FileName,
    pub(super) path: PathBuf,
    /// `None` when the file is missing or empty.
    pub(super) root: Option<Node>,
}

impl Config {
    /// Loads everything; an absent file is its default.
    ///
    /// # Errors
    /// [`ConfigError::Read`] when a file cannot be read, [`ConfigError::Invalid`] with every problem
    /// that was found otherwise.
    pub fn load(
        paths: &Paths,
        environment: &Environment,
        overrides: Overrides,
    ) -> Result<Self, ConfigError> {
        let mut loader = Loader::new(paths);
        let mut config = Self {
            brotr: loader.section()?,
            seeder: loader.section()?,
            finder: loader.section()?,
            validator: loader.section()?,
            monitor: loader.section()?,
            synchronizer: loader.section()?,
            refresher: loader.section()?,
            relay: loader.section()?,
            policy: loader.section()?,
            secrets: Secrets::default(),
            data_dir: paths.data_dir.clone(),
            sources: Sources::default(),
        };
        config.sources = std::mem::take(&mut loader.sources);
        config.override_with(environment, overrides);
        config.secrets = Secrets::read(environment, &config.brotr.store, &mut loader.problems);
        config.validate(&mut loader.problems);
        if loader.problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError::Invalid(loader.problems))
        }
    }

    /// The networks as one service uses them.
    pub fn networks_for(&self, service: ServiceName) -> NetworksConfig {
        let networks = &self.brotr.networks;
        match service {
            ServiceName::Validator => networks.with(&self.validator.networks),
            ServiceName::Monitor => networks.with(&self.monitor.networks),
            ServiceName::Synchronizer => networks.with(&self.synchronizer.networks),
            ServiceName::Seeder
            | ServiceName::Finder
            | ServiceName::Refresher
            | ServiceName::Relay => networks.clone(),
        }
    }

    fn override_with(&mut self, environment: &Environment, overrides: Overrides) {
        let overridden = &mut self.sources.overridden;
        if let Some(url) = environment.get(DATABASE_URL) {
            url.clone_into(&mut self.brotr.store.url);
            overridden.push((FileName::Brotr, "store.url", "environment DATABASE_URL"));
        }
        if let Some(level) = overrides.log_level {
            self.brotr.log.level = level;
            overridden.push((FileName::Brotr, "log.level", "command line"));
        }
        if let Some(format) = overrides.log_format {
            self.brotr.log.format = format;
            overridden.push((FileName::Brotr, "log.format", "command line"));
        }
    }

    fn validate(&self, problems: &mut Vec<Problem>) {
        self.validate_section(&self.brotr, problems);
        self.validate_section(&self.seeder, problems);
        self.validate_section(&self.finder, problems);
        self.validate_section(&self.validator, problems);
        self.validate_section(&self.monitor, problems);
        self.validate_section(&self.synchronizer, problems);
        self.validate_section(&self.refresher, problems);
        self.validate_section(&self.relay, problems);
        self.validate_section(&self.policy, problems);
        self.validate_access(problems);
    }

    /// A relay that has no name cannot be told who its clients are: what they sign says whom they tell (NIP-42).
    fn validate_access(&self, problems: &mut Vec<Problem>) {
        let relay = &self.relay;
        let has_name = relay.public_url.is_some() || !relay.listen.ip().is_unspecified();
        if self.policy.write_access(relay.listen) == WriteAccess::Authed && !has_name {
            let message = "authed needs public_url in relay.yaml where listen is every address";
            problems.push(self.problem(FileName::Policy, "write.policy", message.to_owned()));
        }
    }

    fn validate_section<S: Section>(&self, section: &S, problems: &mut Vec<Problem>) {
        for (path, message) in section.validate() {
            problems.push(self.problem(S::FILE, path, message));
        }
    }
}

impl Sources {
    /// Where a value came from: `default`, a file with line and column, the environment or the command
    /// line.
    pub(super) fn origin(&self, file: FileName, path: &str) -> (String, Option<(u64, u64)>) {
        let by_override = self.overridden.iter().rev();
        let found = by_override
            .into_iter()
            .find(|entry| entry.0 == file && entry.1 == path);
        if let Some((.., source)) = found {
            return ((*source).to_owned(), None);
        }
        let documents = self.documents.iter();
        let document = documents.into_iter().find(|document| document.file == file);
        let root = document.and_then(|document| Some((document, document.root.as_ref()?)));
        match root.and_then(|(document, root)| Some((document, root.at(path)?))) {
            Some((document, node)) => (
                document.path.display().to_string(),
                Some((node.position.line, node.position.column)),
            ),
            None => (DEFAULT.to_owned(), None),
        }
    }
}

impl Sources {
    /// The place to look at when the rule of a key is broken: the value itself, else the section it
    /// would stand in, else the file.
    pub(super) fn blame(&self, file: FileName, path: &str) -> (String, Option<(u64, u64)>) {
        let sections = path.match_indices('.').map(|(end, _)| &path[..end]);
        let mut places: Vec<&str> = sections.collect();
        places.push(path);
        let mut origins = places.iter().rev().map(|place| self.origin(file, place));
        let written = origins.find(|(origin, _)| origin != DEFAULT);
        written.unwrap_or_else(|| {
            let document = self.documents.iter().find(|document| document.file == file);
            let path = document.map(|document| document.path.display().to_string());
            (path.unwrap_or_else(|| DEFAULT.to_owned()), None)
        })
    }
}

struct Loader<'a> {
    paths: &'a Paths,
    sources: Sources,
    problems: Vec<Problem>,
}

impl<'a> Loader<'a> {
    fn new(paths: &'a Paths) -> Self {
        Self {
            paths,
            sources: Sources::default(),
            problems: Vec::new(),
        }
    }

    /// Reads one file. Problems are collected, so that all files are looked at; the default stands in
    /// for a section that has some.
    fn section<S: Section>(&mut self) -> Result<S, ConfigError> {
        let path = S::FILE.path(self.paths);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(S::default()),
            Err(source) => return Err(ConfigError::Read { path, source }),
        };
        match parse::<S>(&text, &path) {
            Ok((section, root)) => {
                self.sources.documents.push(Document {
                    file: S::FILE,
                    path,
                    root,
                });
                Ok(section)
            }
            Err(problems) => {
                self.problems.extend(problems);
                Ok(S::default())
            }
        }
    }
}

impl FileName {
    /// Where the file is expected.
    pub(super) fn path(self, paths: &Paths) -> PathBuf {
        let name = self.as_str();
        match self {
            Self::Brotr => paths.config_dir.join("brotr.yaml"),
            Self::Relay | Self::Policy => paths.relay_config_dir.join(format!("{name}.yaml")),
            _ => paths
                .config_dir
                .join("services")
                .join(format!("{name}.yaml")),
        }
    }
}

/// Parses one file: positions and unknown keys, types and bounds from the table, then the struct.
pub(super) fn parse<S: Section>(
    text: &str,
    path: &Path,
) -> Result<(S, Option<Node>), Vec<Problem>> {
    let options = || serde_saphyr::options! { strict_booleans: true };
    let yaml_problem = |error: &serde_saphyr::Error| vec![from_yaml(error, path)];
    let root: Node = serde_saphyr::from_str_with_options(text, options())
        .map_err(|error| yaml_problem(&error))?;
    if matches!(root.value, Value::Null) {
        return Ok((S::default(), None));
    }
    let mut checker = Checker {
        keys: S::keys(),
        path,
        problems: Vec::new(),
    };
    checker.check_root(&root);
    if !checker.problems.is_empty() {
        return Err(checker.problems);
    }
    let section = serde_saphyr::from_str_with_options(text, options())
        .map_err(|error| yaml_problem(&error))?;
    Ok((section, Some(root)))
}

struct Checker<'a> {
    keys: Vec<Key>,
    path: &'a Path,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    fn check_root(&mut self, root: &Node) {
        if matches!(root.value, Value::Map(_)) {
            self.check_section("", root);
        } else {
            self.report(
                root.position,
                String::new(),
                "must be a map of keys".to_owned(),
            );
        }
    }

    fn check_section(&mut self, prefix: &str, node: &Node) {
        for entry in node.entries() {
            let path = join(prefix, &entry.key);
            let Some(key) = self.keys.iter().copied().find(|key| key.path == path) else {
                self.report_unknown(prefix, path, entry);
                continue;
            };
            if let Some(message) = key.accepts.refuse(&entry.node) {
                self.report(entry.node.position, path, message);
            } else if matches!(key.accepts, Accepts::Section) {
                self.check_section(key.path, &entry.node);
            }
        }
    }

    fn report_unknown(&mut self, prefix: &str, path: String, entry: &Entry) {
        let siblings = self
            .keys
            .iter()
            .filter(|key| join(prefix, key.name()) == key.path);
        let near = nearest(&entry.key, siblings.map(Key::name));
        let elsewhere = self.keys.iter().find(|key| key.name() == entry.key);
        let message = match (near, elsewhere) {
            (Some(near), _) => format!("unknown key, did you mean {near}?"),
            (None, Some(key)) => format!("unknown key, did you mean {}?", key.path),
            (None, None) => "unknown key".to_owned(),
        };
        self.report(entry.position, path, message);
    }

    fn report(&mut self, position: super::tree::Position, key: String, message: String) {
        self.problems.push(Problem {
            origin: self.path.display().to_string(),
            position: Some((position.line, position.column)),
            key,
            message,
        });
    }
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}.{name}")
    }
}

/// The name that needs the fewest edits, if that is at most a third of its letters (and at least one).
fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = names
        .into_iter()
        .map(|name| (strsim::osa_distance(typed, name), name));
    let (distance, name) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= (name.len() / 3).max(1)).then_some(name)
}

fn from_yaml(error: &serde_saphyr::Error, path: &Path) -> Problem {
    let error = error.without_snippet();
    let position = error.location().map(|at| (at.line(), at.column()));
    let (key, message) = match error {
        serde_saphyr::Error::SerdeUnknownField {
            field, expected, ..
        } => {
            let message = match nearest(field, expected.iter().copied()) {
                Some(near) => format!("unknown key, did you mean {near}?"),
                None => format!("unknown key, expected one of {}", expected.join(", ")),
            };
            (field.clone(), message)
        }
        other => (String::new(), plain_message(other)),
    };
    Problem {
        origin: path.display().to_string(),
        position,
        key,
        message,
    }
}

/// The message without the position, which the problem has already.
fn plain_message(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    let without = text.split(" at line ").next().unwrap_or(&text);
    without.lines().next().unwrap_or(without).to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nips::Network;

    use super::*;

    fn problems<S: Section + std::fmt::Debug>(text: &str) -> Vec<String> {
        let problems = parse::<S>(text, Path::new("file.yaml")).unwrap_err();
        problems.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn every_wrong_key_is_reported_with_its_place_and_the_nearest_key() {
        let text = "intervall: 5\nprocessing:\n  chunk_sise: 10\n  max_failures: 3\n";
        assert_eq!(
            problems::<ValidatorConfig>(text),
            [
                "file.yaml:1:1: intervall: unknown key, did you mean interval?",
                "file.yaml:3:3: processing.chunk_sise: unknown key, did you mean chunk_size?",
                "file.yaml:4:3: processing.max_failures: unknown key, did you mean cleanup.max_failures?",
            ]
        );
    }

    #[test]
    fn values_out_of_bounds_are_reported_with_their_bounds() {
        let text =
            "interval: 0\nprocessing:\n  chunk_size: 5\n  max_candidates: 0\n  interval: -1\n";
        assert_eq!(
            problems::<ValidatorConfig>(text),
            [
                "file.yaml:1:11: interval: must be seconds from 1 to 604800",
                "file.yaml:3:15: processing.chunk_size: must be a whole number from 10 to 1000",
                "file.yaml:4:19: processing.max_candidates: must be a whole number, at least 1, or null",
                "file.yaml:5:13: processing.interval: must be seconds from 0 to 604800",
            ]
        );
    }

    #[test]
    fn booleans_and_numbers_are_never_taken_for_each_other() {
        for (text, key) in [
            ("interval: true", "interval"),
            ("interval: '60'", "interval"),
            ("max_consecutive_failures: true", "max_consecutive_failures"),
            ("max_consecutive_failures: 1.5", "max_consecutive_failures"),
            ("cleanup: {enabled: 1}", "cleanup.enabled"),
            ("cleanup: {enabled: yes}", "cleanup.enabled"),
            ("cleanup: {enabled: null}", "cleanup.enabled"),
            ("networks: {tor: {enabled: 1}}", ""),
            ("networks: {tor: {max_tasks: true}}", ""),
            ("networks: {tor: {timeout: true}}", ""),
            ("networks: {atlantis: {enabled: true}}", ""),
        ] {
            let found = problems::<ValidatorConfig>(text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].starts_with("file.yaml:1:"), "{found:?}");
            assert!(found[0].contains(key), "{found:?}");
        }
    }

    #[test]
    fn text_that_is_not_a_map_is_refused_with_its_place() {
        for text in [
            "- a\n",
            "just text",
            "interval: [1",
            "interval: 1\ninterval: 2\n",
            "\t- x",
        ] {
            let found = problems::<ValidatorConfig>(text);
            assert!(found[0].starts_with("file.yaml:"), "{found:?}");
        }
    }

    #[test]
    fn unknown_keys_inside_lists_are_refused() {
        let text = "api:\n  sources:\n    - {url: 'https://a.example/', tiemout: 3}\n";
        assert_eq!(
            problems::<FinderConfig>(text),
            ["file.yaml:3:35: tiemout: unknown key, did you mean timeout?"]
        );
    }

    #[test]
    fn an_empty_file_or_section_is_the_default() {
        for text in ["", "# nothing\n", "---\n", "cleanup: {}\n"] {
            let (config, _) = parse::<ValidatorConfig>(text, Path::new("file.yaml")).unwrap();
            assert_eq!(config, ValidatorConfig::default(), "{text:?}");
        }
    }

    #[test]
    fn a_section_without_keys_is_refused_with_advice() {
        let found = problems::<ValidatorConfig>("interval: 60\nprocessing:\ncleanup: {}\n");
        assert_eq!(found.len(), 1);
        assert!(
            found[0].contains("remove the line to take the defaults"),
            "{found:?}"
        );
    }

    #[test]
    fn a_network_keeps_the_defaults_that_are_not_overridden() {
        let text = "networks: {tor: {enabled: true}}";
        let (brotr, _) = parse::<BrotrConfig>(text, Path::new("brotr.yaml")).unwrap();
        let tor = brotr.networks.get(Network::Tor);
        assert!(tor.enabled);
        assert_eq!(tor.timeout, Duration::from_secs(30));
        assert_eq!(tor.proxy_url.as_deref(), Some("socks5://127.0.0.1:9050"));
        let text = "networks: {tor: {timeout: 2.5}, clearnet: {enabled: false}}";
        let (validator, _) = parse::<ValidatorConfig>(text, Path::new("v.yaml")).unwrap();
        let networks = brotr.networks.with(&validator.networks);
        assert_eq!(networks.enabled(), [Network::Tor]);
        assert_eq!(networks.tor.timeout, Duration::from_millis(2_500));
    }

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Paths) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let paths = Paths {
            config_dir: dir.path().join("config"),
            relay_config_dir: dir.path().join("relay-config"),
            data_dir: dir.path().join("data"),
        };
        (dir, paths)
    }

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let pairs = variables.iter();
        Environment::new(pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn nothing_at_all_is_a_valid_configuration() {
        let (_dir, paths) = folder(&[]);
        let config = Config::load(&paths, &Environment::default(), Overrides::default()).unwrap();
        assert_eq!(config.brotr, BrotrConfig::default());
        assert_eq!(config.source(FileName::Brotr, "log.level"), "default");
    }

    #[test]
    fn problems_of_all_files_are_reported_together() {
        let (_dir, paths) = folder(&[
            ("config/brotr.yaml", "log: {level: loud}\n"),
            (
                "config/services/monitor.yaml",
                "processing: {compute: {nip66_rtt: false}}\n",
            ),
            ("relay-config/relay.yaml", "limits: {max_limit: 10}\n"),
        ]);
        let variables = environment(&[("DATABASE_URL", "postgres://writer:hunter2@host/db")]);
        let error = Config::load(&paths, &variables, Overrides::default()).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("brotr.yaml:1:14: log.level: must be one of trace"),
            "{text}"
        );
        assert!(
            text.contains("nip66_rtt is off in processing.compute"),
            "{text}"
        );
        assert!(
            text.contains("limits.default_limit: must not be above"),
            "{text}"
        );
        assert!(
            text.contains("environment DATABASE_URL: store.url: the password does not belong"),
            "{text}"
        );
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn the_listing_names_the_source_of_every_value_and_shows_no_secret() {
        let (_dir, paths) = folder(&[("config/brotr.yaml", "log:\n  level: warn\n")]);
        let overrides = Overrides {
            log_format: Some(LogFormat::Json),
            ..Overrides::default()
        };
        let variables = environment(&[("PRIVATE_KEY", "topsecret")]);
        let config = Config::load(&paths, &variables, overrides).unwrap();
        let listing = config.listing();
        let line = |key: &str| listing.lines().find(|line| line.contains(key)).unwrap();
        assert!(line("log.level: \"warn\"").ends_with("brotr.yaml:2"));
        assert!(line("log.format: \"json\"").ends_with("# command line"));
        assert!(line("metrics.port: 8000").ends_with("# default"));
        assert!(line("private_key").ends_with("# environment PRIVATE_KEY"));
        assert!(!listing.contains("topsecret"));
    }
}
