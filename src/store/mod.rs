//! Where everything is kept: object-safe traits by noun, joined in [`Store`].
//!
//! To add a backend, implement every trait of this module for one type and let the contract suite in
//! `tests/it/contract` run over it. A method that has to be atomic is one method. Where two engines
//! work behind one store, events are committed before coverage and cursors, so that a crash repeats
//! work and loses none. Writes may be repeated: a conflict means nothing happens.
//!
//! A call that is dropped half-way has happened as a whole or not at all, and repeating it is harmless
//! except where a method counts ([`CandidateStore::postpone`], [`CoverageStore::add_gap`]: one attempt
//! too many; [`EvidenceStore::add_evidence`]: one naming too many). Batches of more than a thousand candidates or relays are whole by the thousand.

pub mod aliases;
pub mod candidates;
pub mod coverage;
mod data_dir;
mod eid;
pub mod embedded;
pub mod error;
pub mod events;
pub mod evidence;
pub mod figures;
pub mod growth;
pub mod history;
pub mod leases;
pub mod lmdb;
pub mod metadata;
pub mod postgres;
pub mod publications;
pub mod quarantine;
mod quota;
pub mod relays;
mod rows;
mod rules;
mod series;
pub mod serving;
pub mod sets;
pub mod sqlite;
pub mod state;
mod statement;
pub mod statistics;
pub mod timeline;
pub mod traffic;

pub use aliases::AliasStore;
pub use candidates::CandidateStore;
pub use coverage::CoverageStore;
pub use embedded::{Embedded, EmbeddedOptions};
pub use error::StoreError;
pub use events::EventStore;
pub use evidence::EvidenceStore;
pub use figures::FigureStore;
pub use history::HistoryStore;
pub use leases::LeaseStore;
pub use metadata::MetadataStore;
pub use publications::PublicationStore;
pub use quarantine::QuarantineStore;
pub use relays::RelayStore;
pub use serving::ServingIndex;
pub use state::StateStore;
pub use statistics::StatisticsStore;
pub use traffic::TrafficStore;

/// Everything but events.
pub trait RelationalStore:
    CandidateStore
    + EvidenceStore
    + RelayStore
    + AliasStore
    + HistoryStore
    + MetadataStore
    + CoverageStore
    + StateStore
    + StatisticsStore
    + PublicationStore
    + QuarantineStore
    + LeaseStore
    + TrafficStore
{
}

impl<T> RelationalStore for T where
    T: CandidateStore
        + EvidenceStore
        + RelayStore
        + AliasStore
        + HistoryStore
        + MetadataStore
        + CoverageStore
        + StateStore
        + StatisticsStore
        + PublicationStore
        + QuarantineStore
        + LeaseStore
        + TrafficStore
{
}

/// Everything that a process needs of its storage.
pub trait Store: EventStore + FigureStore + RelationalStore {}

impl<T> Store for T where T: EventStore + FigureStore + RelationalStore {}
