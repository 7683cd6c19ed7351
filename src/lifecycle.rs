//! Two tokens: the soft one asks to finish, the hard one to drop everything.

use tokio_util::sync::CancellationToken;

/// How far a shutdown has got. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Tokens {
    soft: CancellationToken,
    hard: CancellationToken,
}

impl Tokens {
    /// Asks everything to take no new work and finish what it holds.
    pub fn stop_softly(&self) {
        self.soft.cancel();
    }

    /// Has everything dropped.
    pub fn stop_hard(&self) {
        self.soft.cancel();
        self.hard.cancel();
    }

    /// Whether no new work is to be taken.
    pub fn is_stopping(&self) -> bool {
        self.soft.is_cancelled()
    }

    /// Returns once no new work is to be taken. Cancel-safe.
    pub async fn soft_stop(&self) {
        self.soft.cancelled().await;
    }

    /// Returns once everything is to be dropped. Cancel-safe.
    pub async fn hard_stop(&self) {
        self.hard.cancelled().await;
    }
}
