//! Which member holds which event.

use std::sync::Arc;

use nips::{Event, Kind};
use rand::rngs::StdRng;
use rand::seq::index;
use rand::{Rng, SeedableRng};

use crate::behaviour::Behaviour;
use crate::events::Generator;
use crate::plan::MemberPlan;

/// Relays that hold an event, on average, in the real network.
const MEAN_COPIES: f64 = 4.68;
/// The second in which all events of a burst happen.
const BURST_SECOND: u64 = 1_701_000_000;

/// The events of a fleet and who holds them.
pub(crate) struct Shares {
    /// All events, in rising time.
    pub events: Vec<Arc<Event>>,
    /// For each member, in the plan's order.
    pub by_member: Vec<Vec<Arc<Event>>>,
}

/// Generates events and gives each to a few members, by weight; and to each its own.
pub(crate) fn share_out(
    seed: u64,
    count: usize,
    urls: Vec<String>,
    plans: &[&MemberPlan],
) -> Shares {
    let mut generator = Generator::new(seed).with_relays(urls);
    let mut rng = StdRng::seed_from_u64(seed);
    let mut by_member: Vec<Vec<Arc<Event>>> = vec![Vec::new(); plans.len()];
    let mut events: Vec<Arc<Event>> = generator.by_ref().take(count).map(Arc::new).collect();
    let holders = plans.iter().filter(|plan| plan.weight > 0.0).count();
    for event in &events {
        let copies = draw_copies(&mut rng).min(holders);
        let weight = |index: usize| plans[index].weight;
        let chosen = index::sample_weighted(&mut rng, plans.len(), weight, copies);
        for holder in chosen.into_iter().flatten() {
            by_member[holder].push(Arc::clone(event));
        }
    }
    for (plan, share) in plans.iter().zip(&mut by_member) {
        let peculiar = peculiar_events(&plan.behaviour, &mut generator);
        let own: Vec<Arc<Event>> = plan
            .own_events
            .iter()
            .cloned()
            .chain(peculiar)
            .map(Arc::new)
            .collect();
        events.extend(own.iter().cloned());
        share.extend(own);
    }
    events.sort_by_key(|event| event.created_at());
    Shares { events, by_member }
}

/// One at least; the rest geometric, so that the mean is [`MEAN_COPIES`].
fn draw_copies(rng: &mut StdRng) -> usize {
    let mut copies = 1;
    while rng.random_bool(1.0 - 1.0 / MEAN_COPIES) {
        copies += 1;
    }
    copies
}

/// Events that make a behaviour what it is.
fn peculiar_events(behaviour: &Behaviour, generator: &mut Generator) -> Vec<Event> {
    match behaviour {
        Behaviour::BurstSecond { events, .. } => generator.burst(BURST_SECOND, *events),
        Behaviour::HugeTags => {
            let author = generator.author();
            let values = ["漢".repeat(900), "x".repeat(2_048), "y".repeat(1 << 20)];
            let tag = |value: String| vec![vec!["t".to_owned(), value]];
            values
                .into_iter()
                .map(|value| author.sign(Kind::TEXT_NOTE, BURST_SECOND, tag(value), "huge tag"))
                .collect()
        }
        Behaviour::LongIdentifier => {
            let author = generator.author();
            let tags = vec![vec!["d".to_owned(), "d".repeat(2_690)]];
            vec![author.sign(Kind(30078), BURST_SECOND, tags, "long identifier")]
        }
        _ => Vec::new(),
    }
}
