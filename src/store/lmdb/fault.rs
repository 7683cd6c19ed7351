//! What goes wrong inside the engine, and what callers are told about it.

use std::io;

use crate::store::StoreError;

/// A failure before it is known which operation it belongs to.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Lmdb(#[from] heed::Error),
    #[error("stored {0} is damaged")]
    Damaged(String),
    #[error("a reading task was cut short")]
    Interrupted,
    #[error("time was up")]
    TooSlow,
}

impl Fault {
    /// The caller's view, naming the trait method.
    pub(super) fn during(self, operation: &'static str) -> StoreError {
        match self {
            Self::Damaged(what) => StoreError::Damaged { what },
            Self::Interrupted => StoreError::Closed,
            Self::TooSlow => StoreError::TooSlow { operation },
            Self::Lmdb(error) if is_full(&error) => StoreError::Full {
                operation,
                source: error.into(),
            },
            Self::Lmdb(error) if is_busy(&error) => StoreError::Unavailable {
                operation,
                source: error.into(),
            },
            Self::Lmdb(error) => StoreError::Failed {
                operation,
                source: error.into(),
            },
        }
    }
}

fn is_full(error: &heed::Error) -> bool {
    match error {
        heed::Error::Mdb(heed::MdbError::MapFull) => true,
        heed::Error::Io(error) => matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        ),
        _ => false,
    }
}

fn is_busy(error: &heed::Error) -> bool {
    matches!(error, heed::Error::Mdb(heed::MdbError::ReadersFull))
}
