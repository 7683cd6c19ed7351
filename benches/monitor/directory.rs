//! A list of relays as directories give it, almost all of it junk.

use fleet::{Behaviour, Fleet};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

/// Thousandths of the list. What is left are names of domains that do not exist.
const WILDCARD: usize = 300;
const REFUSING: usize = 260;
const SILENT: usize = 5;
const HTTP_ONLY: usize = 5;
/// Thousandths that are relays.
pub(crate) const RELAYS: usize = 30;

/// The domain all of whose names resolve.
pub(crate) const WILDCARD_DOMAIN: &str = "every-name.com";

/// How many members stand for all URLs that are silent, and how many for all web servers: they differ in
/// their paths.
pub(crate) const MEMBERS_OF_A_KIND: usize = 5;

/// A port of loopback on which nothing listens.
const CLOSED_PORT: u16 = 9;

/// How many URLs under [`WILDCARD_DOMAIN`] there are among so many.
pub(crate) fn wildcards(candidates: usize) -> usize {
    candidates * WILDCARD / 1_000
}

/// A name under the wildcard.
pub(crate) fn wildcard_name(index: usize) -> String {
    format!("n{index}.{WILDCARD_DOMAIN}")
}

/// So many URLs, mixed: relays of the laboratory and junk.
pub(crate) fn urls(fleet: &Fleet, candidates: usize) -> Vec<String> {
    let share = |thousandths| 0..candidates * thousandths / 1_000;
    let mut urls = urls_of(fleet, &Behaviour::Honest);
    urls.truncate(share(RELAYS).len());
    urls.extend(share(WILDCARD).map(|index| format!("wss://{}", wildcard_name(index))));
    urls.extend(share(REFUSING).map(closed));
    let kinds = [
        (SILENT, Behaviour::Silent),
        (HTTP_ONLY, Behaviour::HttpOnly { status: 200 }),
    ];
    for (thousandths, behaviour) in kinds {
        let hosts = urls_of(fleet, &behaviour);
        let path = |index: usize| {
            let host = hosts[index % hosts.len()].trim_end_matches('/');
            format!("{host}/{index}")
        };
        urls.extend(share(thousandths).map(path));
    }
    let gone = candidates.saturating_sub(urls.len());
    urls.extend((0..gone).map(|index| format!("wss://relay.gone-{index}.com")));
    urls.shuffle(&mut StdRng::seed_from_u64(1));
    urls
}

/// An address of loopback for each index, so that each is a host.
fn closed(index: usize) -> String {
    let (high, low) = (index / 250, index % 250 + 1);
    format!(
        "ws://127.{}.{}.{low}:{CLOSED_PORT}",
        100 + high / 250,
        high % 250
    )
}

fn urls_of(fleet: &Fleet, behaviour: &Behaviour) -> Vec<String> {
    let members = fleet.members().iter();
    let alike = members.filter(|member| member.behaviour() == behaviour);
    alike.map(|member| member.url().to_string()).collect()
}
