//! The statistics views by name.

/// The views that are brought up to date, in the first BigBrotr's order, then the later ones, each after what it
/// reads.
pub const VIEWS: [&str; 13] = [
    "relay_metadata_latest",
    "event_stats",
    "relay_stats",
    "kind_counts",
    "kind_counts_by_relay",
    "pubkey_counts",
    "pubkey_counts_by_relay",
    "network_stats",
    "event_daily_counts",
    "events_replaceable_latest",
    "events_addressable_latest",
    "relay_software_counts",
    "supported_nip_counts",
];
