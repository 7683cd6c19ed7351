//! What should be stored and seen, by definition: a list of events and NIP-01, 09, 40, 62 and 70 read
//! literally over it, without any order of arrival.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use nips::nip09::{deletion_targets, may_delete};
use nips::nip40::Expiration;
use nips::nip62::VanishRequest;
use nips::nip70::is_protected;
use nips::{Address, Event, EventId, Filter, Kind, PublicKey, tag_values};

/// What follows from all events that were ever offered.
pub(crate) struct Model<'m> {
    /// What has to be stored, in NIP-01's order.
    pub(crate) stored: Vec<&'m Event>,
    /// What of it somebody may see some time.
    visible: Vec<&'m Event>,
}

impl<'m> Model<'m> {
    /// Of events that were offered; authors brought some of their protected ones themselves.
    pub(crate) fn new(offered: &'m [Event], brought: &BTreeSet<EventId>) -> Self {
        let requests: Vec<&Event> = offered
            .iter()
            .filter(|event| is_vanish_request(event))
            .collect();
        let is_stored =
            |event: &&Event| !event.kind().is_ephemeral() && !has_vanished(event, &requests);
        let stored = in_order(offered.iter().filter(is_stored));
        let is_visible = |event: &&Event| {
            !is_superseded(event, &stored)
                && !is_deleted(event, &stored)
                && (!is_protected(&event.as_ref().tags()) || brought.contains(&event.id()))
        };
        let visible = stored.iter().copied().filter(is_visible).collect();
        Self { stored, visible }
    }

    /// What these readers may see at `now`, in NIP-01's order.
    pub(crate) fn servable(&self, readers: &[PublicKey], now: u64) -> Vec<&'m Event> {
        let is_servable = |event: &&Event| {
            !Expiration::of(&event.as_ref().tags()).is_past(now)
                && (!event.kind().is_private() || is_party(event, readers))
        };
        self.visible.iter().copied().filter(is_servable).collect()
    }
}

fn is_vanish_request(event: &Event) -> bool {
    let request = VanishRequest::of(&event.as_ref());
    request.is_some_and(|request| request.concerns(None))
}

fn has_vanished(event: &Event, requests: &[&Event]) -> bool {
    let covers = |request: &&Event| {
        let is_owned = request.pubkey() == event.pubkey()
            || (event.kind() == Kind::GIFT_WRAP && is_tagged(event, request.pubkey()));
        is_owned && event.created_at() <= request.created_at()
    };
    !is_vanish_request(event) && requests.iter().any(covers)
}

/// The union of what each filter picks with its own limit, in NIP-01's order.
pub(crate) fn picked<'m>(
    from: &[&'m Event],
    filters: &[Filter],
    default_limit: usize,
) -> Vec<&'m Event> {
    let mut picked = Vec::new();
    for filter in filters {
        let matching = from.iter().filter(|event| matches(filter, event));
        picked.extend(matching.take(filter.limit.unwrap_or(default_limit)));
    }
    in_order(picked.into_iter().copied())
}

/// Whether a filter matches an event.
pub(crate) fn matches(filter: &Filter, event: &Event) -> bool {
    let event = event.as_ref();
    !filter.is_empty() && filter.matches(&event, &event.indexed_tags())
}

/// NIP-01's order, each event once.
fn in_order<'m>(events: impl Iterator<Item = &'m Event>) -> Vec<&'m Event> {
    let mut events: Vec<&Event> = events.collect();
    events.sort_by_key(|event| (Reverse(event.created_at()), event.id()));
    events.dedup();
    events
}

fn is_superseded(event: &Event, stored: &[&Event]) -> bool {
    let order = |event: &Event| (Reverse(event.created_at()), event.id());
    let address = Address::of(&event.as_ref());
    address.is_some_and(|address| {
        let is_newer = |other: &&Event| {
            order(other) < order(event) && Address::of(&other.as_ref()).as_ref() == Some(&address)
        };
        stored.iter().any(is_newer)
    })
}

fn is_deleted(event: &Event, stored: &[&Event]) -> bool {
    let address = Address::of(&event.as_ref());
    stored.iter().any(|request| {
        let targets = deletion_targets(&request.as_ref());
        let by_id =
            targets.events.contains(&event.id()) && may_delete(request.pubkey(), &event.as_ref());
        let by_address = address.as_ref().is_some_and(|address| {
            targets.addresses.contains(address) && event.created_at() <= request.created_at()
        });
        by_id || by_address
    })
}

fn is_party(event: &Event, readers: &[PublicKey]) -> bool {
    let concerns = |reader: &PublicKey| event.pubkey() == *reader || is_tagged(event, *reader);
    readers.iter().any(concerns)
}

fn is_tagged(event: &Event, key: PublicKey) -> bool {
    tag_values::values(&event.as_ref().tags(), "p").any(|value| value == key.to_hex())
}
