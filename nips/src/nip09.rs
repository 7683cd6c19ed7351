//! NIP-09 deletion requests.

use std::collections::BTreeSet;

use crate::address::Address;
use crate::{EventId, EventRef, Kind, PublicKey, tag_values};

/// What a deletion request asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeletionTargets {
    /// Events by id, whoever wrote them: [`may_delete`] decides once the event is known.
    pub events: BTreeSet<EventId>,
    /// The requester's own addresses: all versions up to the request's `created_at`.
    pub addresses: BTreeSet<Address>,
}

/// The targets of a kind 5 event; empty for other kinds. Tags that name nothing are passed over, and
/// so are addresses of other authors.
pub fn deletion_targets(event: &EventRef<'_>) -> DeletionTargets {
    if event.kind != Kind::DELETION {
        return DeletionTargets::default();
    }
    let tags = event.tags();
    let own = |address: &Address| address.pubkey() == event.pubkey;
    DeletionTargets {
        events: tag_values::values(&tags, "e")
            .filter_map(|value| EventId::from_hex(value).ok())
            .collect(),
        addresses: tag_values::values(&tags, "a")
            .filter_map(|value| value.parse().ok())
            .filter(own)
            .collect(),
    }
}

/// Whether a deletion request of `requester` that names the id of `target` deletes it.
///
/// Authors delete what they wrote, the recipient of a gift wrap may delete it too (its key is
/// random, NIP-59). Deletion requests and requests to vanish cannot be deleted.
pub fn may_delete(requester: PublicKey, target: &EventRef<'_>) -> bool {
    let is_concerned = target.pubkey == requester || is_wrapped_for(requester, target);
    is_concerned && is_deletable(target.kind)
}

/// Whether anybody may delete events of a kind: not deletion requests, nor requests to vanish (NIP-62).
pub fn is_deletable(kind: Kind) -> bool {
    !matches!(kind, Kind::DELETION | Kind::REQUEST_TO_VANISH)
}

fn is_wrapped_for(recipient: PublicKey, target: &EventRef<'_>) -> bool {
    target.kind == Kind::GIFT_WRAP
        && tag_values::values(&target.tags(), "p").any(|value| value == recipient.to_hex())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_event::{AUTHOR, event};

    const OTHER: PublicKey = PublicKey([8; 32]);

    #[test]
    fn targets_are_ids_and_own_addresses() {
        let id = "01".repeat(32);
        let own = format!("30023:{AUTHOR}:a:b");
        let foreign = format!("30023:{OTHER}:a");
        let tags: &[&[&str]] = &[
            &["e", &id],
            &["e", &id],
            &["e", "not hex"],
            &["e"],
            &["a", &own],
            &["a", &foreign],
            &["k", "1"],
        ];
        let targets = deletion_targets(&event(5, tags, "reason").as_ref());
        assert_eq!(targets.events, [EventId([1; 32])].into());
        assert_eq!(targets.addresses, [own.parse().unwrap()].into());
        let note = event(1, tags, "");
        assert_eq!(deletion_targets(&note.as_ref()), DeletionTargets::default());
    }

    #[test]
    fn only_own_events_can_be_deleted() {
        let recipient = OTHER.to_hex();
        let tags: &[&[&str]] = &[&["p", &recipient]];
        for (kind, requester, expected) in [
            (1, AUTHOR, true),
            (1, OTHER, false),
            (4, OTHER, false),
            (1059, OTHER, true),
            (5, AUTHOR, false),
            (62, AUTHOR, false),
        ] {
            let target = event(kind, tags, "");
            assert_eq!(
                may_delete(requester, &target.as_ref()),
                expected,
                "kind {kind}"
            );
        }
    }
}
