//! Settings: YAML files, the environment and the command line become checked values, once, at start.
//!
//! Each file of the contract is one struct (`brotr.yaml` is [`BrotrConfig`], and so on) with a
//! hand-written `Default`, a table of keys that says what each key means and accepts, and a
//! `validate` for the rules that concern more than one key. The table drives four things, so that
//! they cannot drift apart: which keys are refused, bounds, the samples of `default-config`, and the
//! listing of `check-config`. To add a key, add the field, its default and its row in the table; the
//! tests at the foot of `section.rs` notice when one is missing.

mod about_us;
mod admission;
mod archive;
mod audit;
mod brotr;
mod checks_included;
mod credentials;
mod environment;
mod error;
mod filters;
mod finder;
mod geo;
mod key;
mod listing;
mod load;
mod log;
mod metrics;
mod monitor;
mod networks;
mod policy;
mod refresher;
mod relay;
mod relay_urls;
mod retries;
mod sample;
mod schedule;
mod seconds;
mod secret;
mod section;
mod seeder;
mod store;
mod synchronizer;
mod tree;
mod validator;

pub use about_us::{AnnouncementConfig, ProfileConfig, RelayListConfig};
pub use admission::AdmissionConfig;
pub use archive::{ArchiveConfig, ArchiveMode, MAX_EVENT_BYTES};
pub use audit::AuditConfig;
pub use brotr::BrotrConfig;
pub use checks_included::ChecksIncluded;
pub use environment::Environment;
pub use error::{ConfigError, Problem};
pub use finder::{ApiConfig, ApiSource, FinderConfig, FinderEvents};
pub use geo::{GeoConfig, GeoFile};
pub use key::{Accepts, Key};
pub use load::{Config, Overrides, Paths};
pub use log::{LogConfig, LogFormat, LogLevel};
pub use metrics::MetricsConfig;
pub use monitor::{DiscoveryConfig, MonitorConfig, MonitorProcessing, PublishingConfig};
pub use networks::{NetworkConfig, NetworkOverride, NetworkOverrides, NetworksConfig};
pub use policy::{BanPolicy, ManagementPolicy, PolicyConfig, RatePolicy, WriteAccess, WritePolicy};
pub use refresher::{RefreshConfig, RefresherConfig, RetentionConfig};
pub use relay::{InfoConfig, LimitsConfig, ProxyConfig, RelayConfig, TlsConfig};
pub use retries::{RetriesConfig, RetryConfig};
pub use sample::sample;
pub use schedule::Schedule;
pub use secret::{FoundSecret, Secret, Secrets};
pub use section::FileName;
pub use seeder::{SeedConfig, SeederConfig};
pub use store::StoreConfig;
pub use synchronizer::{
    AuthConfig, ProcessingOverrides, ResweepConfig, SyncOverride, SyncProcessing, SyncTimeouts,
    SynchronizerConfig, TailConfig, TimeoutOverrides,
};
pub use validator::{CleanupConfig, ValidatorConfig, ValidatorProcessing};
