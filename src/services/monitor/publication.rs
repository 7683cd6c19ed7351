//! What the monitor says in public, through the same door as everybody's events: kind 30166 about a
//! relay that answered, 10166 about the monitor, 0 for people, and 10002 for whoever looks for the rest. What
//! is archived is queued for outside relays.

use std::cmp::Reverse;

use nips::nip66::{Check, CheckTimeout, MonitorAnnouncement, RelayDiscovery, Rtt};
use nips::{Kind, Network};
use serde_json::{Map, Value};
use tokio::time::Duration;
use tracing::{info, warn};

use crate::archive::{Admission, Door};
use crate::config::ProfileConfig;
use crate::model::{MetadataType, Relay, RelayId, ServiceName};
use crate::net::LOOKUP_BUDGET;
use crate::services::checkpoint;
use crate::store::StoreError;

use super::{Findings, Inner};

/// Keys of the checkpoints.
const ANNOUNCEMENT: &str = "announcement";
const PROFILE: &str = "profile";
const RELAY_LIST: &str = "relay_list";

/// Kinds of one relay that are looked at, from the lowest: there are some hundred in use.
const MAX_KINDS_READ: usize = 1_000;

impl Inner {
    /// Publishes what was found out about a relay that answered at `created_at` unix seconds.
    ///
    /// # Errors
    /// [`StoreError`] when the event could not be stored.
    pub(super) async fn publish_discovery(
        &self,
        relay: &Relay,
        created_at: u64,
        findings: Findings,
    ) -> Result<(), StoreError> {
        let include = &self.config.discovery.include;
        let held = self.held_kinds(relay).await?;
        let observation = findings.into_observation(include, held);
        let Some(mut discovery) = RelayDiscovery::observed(&relay.url, observation) else {
            return Ok(());
        };
        if !include.nip66_rtt {
            discovery.rtt = Rtt::default();
        }
        self.admit(
            created_at,
            Kind::RELAY_DISCOVERY,
            discovery.to_tags(),
            discovery.content(),
        )
        .await
    }

    /// The kinds of which events of several authors were seen on a relay, those seen most first. What one author
    /// alone has there may be the relay's own, e.g. the groups of NIP-29, and taken from nobody else.
    async fn held_kinds(&self, relay: &Relay) -> Result<Vec<u16>, StoreError> {
        let before = RelayId(relay.id.0.saturating_sub(1));
        let store = &self.context.store;
        let mut seen = store
            .relay_kind_figures(Some((before, Kind(u16::MAX))), MAX_KINDS_READ)
            .await?;
        seen.retain(|of| of.relay == relay.id && of.authors > 1);
        seen.sort_by_key(|of| (Reverse(of.events), of.kind));
        Ok(seen.into_iter().map(|of| of.kind.0).collect())
    }

    /// Publishes announcement, profile and relay list when their time has come.
    ///
    /// # Errors
    /// [`StoreError`] when an event or its checkpoint could not be stored.
    pub(super) async fn publish_about_us(&self) -> Result<(), StoreError> {
        let (announcement, profile) = (&self.config.announcement, &self.config.profile);
        if announcement.enabled && self.is_due(ANNOUNCEMENT, announcement.interval).await? {
            let tags = self.announcement().to_tags();
            self.publish(
                ANNOUNCEMENT,
                Kind::MONITOR_ANNOUNCEMENT,
                tags,
                String::new(),
            )
            .await?;
        }
        if profile.enabled && self.is_due(PROFILE, profile.interval).await? {
            self.publish(
                PROFILE,
                Kind::METADATA,
                Vec::new(),
                profile_content(profile),
            )
            .await?;
        }
        self.publish_relay_list().await
    }

    /// Names our own relay, which has everything that this monitor publishes, if others can reach it.
    async fn publish_relay_list(&self) -> Result<(), StoreError> {
        let relay_list = &self.config.relay_list;
        let Some(own_relay) = self.own_relay.as_ref().filter(|_| relay_list.enabled) else {
            return Ok(());
        };
        if self.is_due(RELAY_LIST, relay_list.interval).await? {
            let tags = vec![vec!["r".to_owned(), own_relay.to_string()]];
            self.publish(RELAY_LIST, Kind::RELAY_LIST, tags, String::new())
                .await?;
        }
        Ok(())
    }

    async fn is_due(&self, key: &str, interval: Duration) -> Result<bool, StoreError> {
        let store = self.context.store.as_ref();
        let last = checkpoint::load(store, ServiceName::Monitor, key).await?;
        let now = self.context.clock.now();
        Ok(last.is_none_or(|last| last + interval.as_secs() <= now))
    }

    /// The event first, the checkpoint after it.
    async fn publish(
        &self,
        key: &'static str,
        kind: Kind,
        tags: Vec<Vec<String>>,
        content: String,
    ) -> Result<(), StoreError> {
        let now = self.context.clock.now();
        self.admit(now, kind, tags, content).await?;
        info!(event.kind = kind.0, "publish_completed");
        checkpoint::save(self.context.store.as_ref(), ServiceName::Monitor, key, now).await
    }

    /// Signs, archives, and queues for outside relays.
    pub(super) async fn admit(
        &self,
        created_at: u64,
        kind: Kind,
        tags: Vec<Vec<String>>,
        content: String,
    ) -> Result<(), StoreError> {
        let event = self.signer.sign_at(created_at, kind, tags, content);
        let archive = &self.context.archive;
        let admission = archive.admit_event(event.clone(), Door::Own).await?;
        if let Admission::Refused(rejection) = admission {
            warn!(
                event.kind = kind.0,
                reason = rejection.reason(),
                "publish_failed"
            );
            return Ok(());
        }
        self.publisher.queue(&event).await
    }

    fn announcement(&self) -> MonitorAnnouncement {
        let networks = self.context.networks();
        let checks = self.checks(&networks);
        let timeouts = networks.first().map_or_else(Vec::new, |network| {
            let budget = self.context.net.timeout(*network);
            let of = |check: &Check| CheckTimeout {
                check: Some(*check),
                timeout: match check {
                    Check::Dns => budget.min(LOOKUP_BUDGET),
                    _ => budget,
                },
            };
            checks.iter().map(of).collect()
        });
        MonitorAnnouncement {
            frequency: Some(self.config.discovery.interval),
            timeouts,
            checks,
            networks: networks
                .into_iter()
                .filter(|it| *it != Network::Local)
                .collect(),
            geohash: self.config.announcement.geohash.clone(),
        }
    }

    /// What is really checked: on, and possible here.
    fn checks(&self, networks: &[Network]) -> Vec<Check> {
        let makes = |check| self.examiner.makes(check);
        let has_clearnet = networks.contains(&Network::Clearnet);
        let checks = [
            (Check::Open, true),
            (Check::Read, true),
            (Check::Write, self.config.processing.write_probe),
            (Check::Nip11, makes(MetadataType::Nip11Info)),
            (Check::Ssl, makes(MetadataType::Nip66Ssl)),
            (Check::Dns, has_clearnet && makes(MetadataType::Nip66Dns)),
            (Check::Geo, has_clearnet && makes(MetadataType::Nip66Geo)),
            (Check::Net, has_clearnet && makes(MetadataType::Nip66Net)),
            (Check::Http, makes(MetadataType::Nip66Http)),
            (Check::Audit, self.audits()),
        ];
        let made = checks.into_iter().filter(|(_, is_made)| *is_made);
        made.map(|(check, _)| check).collect()
    }
}

/// The fields that are filled in, as NIP-01 and NIP-24 name them.
fn profile_content(profile: &ProfileConfig) -> String {
    let fields = [
        ("name", &profile.name),
        ("about", &profile.about),
        ("picture", &profile.picture),
        ("nip05", &profile.nip05),
        ("website", &profile.website),
        ("banner", &profile.banner),
        ("lud16", &profile.lud16),
    ];
    let filled = fields.into_iter().filter_map(|(name, value)| {
        let value = value.as_ref().filter(|value| !value.is_empty())?;
        Some((name.to_owned(), Value::from(value.as_str())))
    });
    Value::Object(filled.collect::<Map<_, _>>()).to_string()
}
