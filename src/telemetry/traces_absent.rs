//! What stands in for `traces.rs` in a program that was built without the feature `opentelemetry`.

use tracing::info;
use tracing_subscriber::layer::Identity;

use super::ENDPOINT;
use crate::config::Environment;

/// Nothing is exported.
#[derive(Debug)]
pub struct Traces {
    is_asked_for: bool,
}

/// No layer, and whether somebody would have liked one.
pub(super) fn find(environment: &Environment) -> (Identity, Traces) {
    let is_asked_for = environment.get(ENDPOINT).is_some();
    (Identity::new(), Traces { is_asked_for })
}

impl Traces {
    /// Says so where a collector was named.
    pub(super) fn announce(&self) {
        if self.is_asked_for {
            info!("opentelemetry_not_built_in");
        }
    }

    /// Does the work.
    pub async fn beside<T>(self, work: impl Future<Output = T>) -> T {
        work.await
    }
}
