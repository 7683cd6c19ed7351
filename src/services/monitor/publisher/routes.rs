//! Which outside relays each kind of ours is for.

use nips::{Kind, RelayUrl};

use crate::config::MonitorConfig;

/// The configured relays, by kind.
#[derive(Debug)]
pub(super) struct Routes {
    discovery: Vec<RelayUrl>,
    announcement: Vec<RelayUrl>,
    profile: Vec<RelayUrl>,
    relay_list: Vec<RelayUrl>,
}

impl Routes {
    /// A kind that has no relays of its own goes where all of them go.
    pub(super) fn of(config: &MonitorConfig) -> Self {
        let all = &config.publishing.relays;
        let choose = |own: &Option<Vec<RelayUrl>>| own.as_ref().unwrap_or(all).clone();
        Self {
            discovery: choose(&config.discovery.relays),
            announcement: choose(&config.announcement.relays),
            profile: choose(&config.profile.relays),
            relay_list: choose(&config.relay_list.relays),
        }
    }

    /// The relays of a kind.
    pub(super) fn to(&self, kind: Kind) -> &[RelayUrl] {
        match kind {
            // What was said about relays is withdrawn where it was said.
            Kind::RELAY_DISCOVERY | Kind::DELETION => &self.discovery,
            Kind::MONITOR_ANNOUNCEMENT => &self.announcement,
            Kind::METADATA => &self.profile,
            Kind::RELAY_LIST => &self.relay_list,
            _ => &[],
        }
    }

    /// Every relay once, in order.
    pub(super) fn relays(&self) -> Vec<RelayUrl> {
        let lists = [
            &self.discovery,
            &self.announcement,
            &self.profile,
            &self.relay_list,
        ];
        let mut relays: Vec<RelayUrl> = lists.into_iter().flatten().cloned().collect();
        relays.sort();
        relays.dedup();
        relays
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DiscoveryConfig, PublishingConfig};

    #[test]
    fn a_kind_goes_to_relays_of_its_own_or_to_all() {
        let [a, b] =
            ["wss://a.example.com", "wss://b.example.com"].map(|url| RelayUrl::parse(url).unwrap());
        let routes = Routes::of(&MonitorConfig {
            publishing: PublishingConfig {
                relays: vec![b.clone(), a.clone(), a.clone()],
                ..PublishingConfig::default()
            },
            discovery: DiscoveryConfig {
                relays: Some(vec![a.clone()]),
                ..DiscoveryConfig::default()
            },
            ..MonitorConfig::default()
        });
        assert_eq!(routes.relays(), [a.clone(), b.clone()]);
        for kind in [Kind::RELAY_DISCOVERY, Kind::DELETION] {
            assert_eq!(routes.to(kind), std::slice::from_ref(&a));
        }
        assert!(routes.to(Kind::METADATA).contains(&b));
        assert_eq!(routes.to(Kind::TEXT_NOTE), []);
    }
}
