//! The validator: what is promoted, what is put off and for how long, and who is never dialled.

mod aliases;
mod crowd;
mod cycles;
mod reach;
mod verdicts;

use bigbrotr::config::ValidatorConfig;
use bigbrotr::metrics::ValidationMetrics;
use bigbrotr::services::Context;
use bigbrotr::services::validator::Validator;
use fleet::Member;
use nips::RelayUrl;

use super::given::{Given, cycle};

fn validator(context: &Context) -> Validator {
    validator_with(context, ValidatorConfig::default())
}

fn validator_with(context: &Context, config: ValidatorConfig) -> Validator {
    Validator::new(context.clone(), config, ValidationMetrics::default())
}

/// Tries every member once.
async fn validate(given: &Given) {
    given.name_all().await;
    cycle(&validator(&given.context)).await;
}

/// What became of a candidate: a relay, or the reason why not.
async fn verdict(given: &Given, url: &RelayUrl) -> Result<(), String> {
    let relay = given.relay(url).await;
    let candidate = given.candidate(url).await;
    match (relay, candidate) {
        (Some(_), None) => Ok(()),
        (None, Some(candidate)) => {
            assert_eq!(candidate.failures, 1, "{url}");
            Err(candidate.last_reason.expect("a failure has its reason"))
        }
        both => panic!("{url}: {both:?}"),
    }
}

/// The members with what became of each.
async fn verdicts(given: &Given) -> Vec<(&Member, Result<(), String>)> {
    let mut verdicts = Vec::new();
    for member in given.fleet.members() {
        verdicts.push((member, verdict(given, member.url()).await));
    }
    verdicts
}
