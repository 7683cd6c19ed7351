//! `limitation`: what a relay says it enforces.

use serde::Serialize;
use serde_json::Value;

use super::lenient::{boolean, integer};

/// The limits of a relay in its own words; `None` where it says nothing that can be read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Limitation {
    /// Longest incoming WebSocket message, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_message_length: Option<u64>,
    /// Open subscriptions of one connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_subscriptions: Option<u64>,
    /// Filters of one subscription; removed from NIP-11 in 2025.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_filters: Option<u64>,
    /// Value that a filter's `limit` is clamped to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_limit: Option<u64>,
    /// Longest subscription id, characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_subid_length: Option<u64>,
    /// Tags of one event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_event_tags: Option<u64>,
    /// Longest content, unicode characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_content_length: Option<u64>,
    /// Bits of proof of work that events need (NIP-13).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_pow_difficulty: Option<u64>,
    /// Whether NIP-42 authentication comes before any other action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_required: Option<bool>,
    /// Whether one has to pay first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_required: Option<bool>,
    /// Whether writing has conditions that a user is expected to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restricted_writes: Option<bool>,
    /// How far in the past `created_at` may be, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at_lower_limit: Option<u64>,
    /// How far in the future `created_at` may be, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at_upper_limit: Option<u64>,
    /// Events answered to a filter without `limit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_limit: Option<u64>,
}

impl Limitation {
    /// Reads what can be read.
    pub(super) fn from_value(value: &Value) -> Self {
        let number = |name: &str| value.get(name).and_then(integer);
        let flag = |name: &str| value.get(name).and_then(boolean);
        Self {
            max_message_length: number("max_message_length"),
            max_subscriptions: number("max_subscriptions"),
            max_filters: number("max_filters"),
            max_limit: number("max_limit"),
            max_subid_length: number("max_subid_length"),
            max_event_tags: number("max_event_tags"),
            max_content_length: number("max_content_length"),
            min_pow_difficulty: number("min_pow_difficulty"),
            auth_required: flag("auth_required"),
            payment_required: flag("payment_required"),
            restricted_writes: flag("restricted_writes"),
            created_at_lower_limit: number("created_at_lower_limit"),
            created_at_upper_limit: number("created_at_upper_limit"),
            default_limit: number("default_limit"),
        }
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
