//! The refresher: keeps the store in order. It throws away what is beyond its age, and keeps figures up to date.

use async_trait::async_trait;

use crate::config::{RefresherConfig, Schedule};
use crate::lifecycle::Tokens;
use crate::model::ServiceName;
use crate::store::growth;

use super::{Context, CycleSummary, Service, ServiceError, janitor, statistician};

/// The service.
pub struct Refresher {
    context: Context,
    config: RefresherConfig,
}

impl Refresher {
    /// A refresher.
    pub fn new(context: Context, config: RefresherConfig) -> Self {
        Self { context, config }
    }
}

#[async_trait]
impl Service for Refresher {
    fn name(&self) -> ServiceName {
        ServiceName::Refresher
    }

    fn schedule(&self) -> Schedule {
        self.config.schedule()
    }

    async fn cycle(&self, tokens: &Tokens) -> Result<CycleSummary, ServiceError> {
        let (store, now) = (self.context.store.as_ref(), self.context.clock.now());
        let swept = janitor::sweep(store, &self.config.retention, now, tokens).await?;
        let counted = statistician::count(store, &self.config.refresh, now, tokens).await?;
        growth::note(store, now).await?;
        Ok(CycleSummary::new()
            .with("expired_events", swept.expired_events)
            .with("trimmed_arrivals", swept.arrivals)
            .with("expired_metadata", swept.metadata)
            .with("orphan_documents", swept.documents)
            .with("expired_tombstones", swept.tombstones)
            .with("counted_commits", counted.commits)
            .with("views_refreshed", counted.views_refreshed)
            .with("views_failed", counted.views_failed)
            .with("compared_authors", counted.compared_authors)
            .with("wrong_counters", counted.wrong_counters))
    }
}
