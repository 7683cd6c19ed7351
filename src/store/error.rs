//! What can go wrong in storage, by what the caller can do about it.

use std::path::PathBuf;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// A failure of the storage layer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store could not be opened; nothing will work.
    #[error("could not open {path}")]
    Open {
        /// What was to be opened.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Source,
    },
    /// Another process has the data directory open; only one may.
    #[error("{path} is in use by another bigbrotr{}", .process.map_or_else(String::new, |id| format!(" (process {id})")))]
    InUse {
        /// The data directory.
        path: PathBuf,
        /// The other process, when it left its number.
        process: Option<u32>,
    },
    /// The store is busy or its server is away; trying again later may work.
    #[error("store is unavailable during {operation}")]
    Unavailable {
        /// The trait method.
        operation: &'static str,
        /// Why.
        #[source]
        source: Source,
    },
    /// No space is left on the disk or in the memory map.
    #[error("store is full during {operation}")]
    Full {
        /// The trait method.
        operation: &'static str,
        /// Why.
        #[source]
        source: Source,
    },
    /// The operation failed and would fail again.
    #[error("store operation {operation} failed")]
    Failed {
        /// The trait method.
        operation: &'static str,
        /// Why.
        #[source]
        source: Source,
    },
    /// The store cannot take a row among those that it was given, now or later; nothing else is wrong.
    #[error("store refused a row during {operation}")]
    Refused {
        /// The trait method.
        operation: &'static str,
        /// Why.
        #[source]
        source: Source,
    },
    /// The answer was not there by the moment that the caller set; something narrower may be.
    #[error("store operation {operation} took too long")]
    TooSlow {
        /// The trait method.
        operation: &'static str,
    },
    /// A stored row cannot be read back.
    #[error("stored {what} is damaged")]
    Damaged {
        /// Which row, with its key.
        what: String,
    },
    /// The store was closed while the operation waited.
    #[error("store is closed")]
    Closed,
}

impl StoreError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// The stable label for metrics and logs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::InUse { .. } => "in-use",
            Self::Unavailable { .. } => "unavailable",
            Self::Full { .. } => "full",
            Self::Failed { .. } => "failed",
            Self::Refused { .. } => "refused",
            Self::TooSlow { .. } => "too-slow",
            Self::Damaged { .. } => "damaged",
            Self::Closed => "closed",
        }
    }
}
