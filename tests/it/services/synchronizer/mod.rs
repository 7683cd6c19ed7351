//! The synchronizer against every kind of relay: what is archived is what the relay really holds, and
//! what is not is a gap on record. Rows `B…` are the conformance scenarios for crawlers.

mod bounds;
mod completeness;
mod consent;
mod failures;
mod fairness;
mod given;
mod hostility;
mod negentropy;
mod nostr_rs_relay;
mod others;
mod refusals;
mod restarts;
mod resweep;
mod tail;
