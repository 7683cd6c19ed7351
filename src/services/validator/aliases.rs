//! Whether a relay that was just promoted is one that is known already under another path.
//!
//! Only hosts of which several paths are listed are looked at. Such a host is asked on two paths that nobody can
//! have listed: when it speaks Nostr there too, paths mean nothing to it, and all its URLs that give one NIP-11
//! document lead to one relay. Two kinds of evidence are asked for, since neither alone would do: a host may
//! answer everywhere and still tell its paths apart, and a document may be copied.

use nips::nip11::RelayInformation;
use nips::{LocalRelays, RelayUrl};
use serde_json::json;
use tracing::info;

use crate::checks::nip11;
use crate::lifecycle::Tokens;
use crate::model::{Alias, Relay, RelayId};
use crate::services::Context;
use crate::store::StoreError;

use super::probe::probe;
use super::twins;

/// Relays of one host that are compared: more than a host may have candidates.
const MAX_BESIDE: usize = 64;

/// After so many seconds an alias is looked at again: hosts change hands and servers.
const LOOK_AGAIN: u64 = 7 * 86_400;

/// Aliases looked at in one cycle.
const MAX_LOOKS: usize = 32;

/// What a web server says on a path where there is no relay.
const REFUSED_UPGRADE: &str = "upgrade_refused";

/// Bytes of a NIP-11 document.
const MAX_DOCUMENT_BYTES: usize = 256 << 10;

/// Clusters a relay with those of the same host that answer alike. Returns how many aliases were found.
///
/// # Errors
/// [`StoreError`]; what cannot be asked is no error, and no alias.
pub(super) async fn find(
    context: &Context,
    relay: RelayId,
    url: &RelayUrl,
    tokens: &Tokens,
) -> Result<u64, StoreError> {
    let beside = context.store.relays_beside(url, MAX_BESIDE).await?;
    if beside.len() < 2 {
        return Ok(0);
    }
    let compared = tokio::select! {
        compared = compare(context, url, &beside) => compared,
        () = tokens.soft_stop() => return Ok(0),
    };
    let Some((alike, evidence)) = compared.filter(|(alike, _)| is_among(relay, alike)) else {
        return Ok(0);
    };
    let now = context.clock.now();
    let canonical = alike
        .iter()
        .min_by_key(|relay| (relay.url.as_str().len(), relay.id))
        .map_or(relay, |canonical| canonical.id);
    let others = alike.iter().filter(|other| other.id != canonical);
    let aliases: Vec<Alias> = others
        .map(|other| Alias {
            relay: other.id,
            canonical,
            evidence: evidence.clone(),
            found_at: now,
        })
        .collect();
    context.store.add_aliases(&aliases, now).await?;
    info!(host = url.host(), count = aliases.len(), "aliases_found");
    Ok(aliases.len() as u64)
}

fn is_among(relay: RelayId, alike: &[Relay]) -> bool {
    alike.len() > 1 && alike.iter().any(|it| it.id == relay)
}

/// The relays of a host that are one, with what showed it; `None` when paths mean something to the host.
async fn compare(
    context: &Context,
    url: &RelayUrl,
    beside: &[Relay],
) -> Option<(Vec<Relay>, String)> {
    let network = url.network();
    let _permit = context.net.permit(network).await;
    let paths = [random_path(), random_path()];
    let mut anywhere = None;
    for path in &paths {
        let elsewhere = at_path(url, path)?;
        let deadline = context.net.deadline(network);
        probe(&context.net, &elsewhere, deadline).await.ok()?;
        let document = document(context, &elsewhere).await?;
        if anywhere.get_or_insert_with(|| document.clone()) != &document {
            return None;
        }
    }
    let anywhere = anywhere?;
    let mut alike = Vec::new();
    for relay in beside {
        if document(context, &relay.url).await.as_deref() == Some(anywhere.as_str()) {
            alike.push(relay.clone());
        }
    }
    let evidence = json!({ "answers_on": paths, "same_document": true });
    Some((alike, evidence.to_string()))
}

/// The same host at another path.
fn at_path(url: &RelayUrl, path: &str) -> Option<RelayUrl> {
    let base = url
        .as_str()
        .strip_suffix(url.path())
        .unwrap_or(url.as_str());
    RelayUrl::parse_with(&format!("{base}{path}"), LocalRelays::Accepted).ok()
}

/// Looks again at aliases that were not looked at for a week, and lets go of those that are no longer one with
/// their relay. Returns how many that were.
///
/// # Errors
/// [`StoreError`]; what does not answer stays as it is.
pub(super) async fn look_again(context: &Context, tokens: &Tokens) -> Result<u64, StoreError> {
    let (store, now) = (&context.store, context.clock.now());
    let long_ago = now.saturating_sub(LOOK_AGAIN);
    let mut released = 0;
    for alias in store.aliases_looked_at_before(long_ago, MAX_LOOKS).await? {
        let relays = store.relays_by_id(&[alias.relay, alias.canonical]).await?;
        let find = |id| relays.iter().find(|relay| relay.id == id);
        let (Some(relay), Some(canonical)) = (find(alias.relay), find(alias.canonical)) else {
            continue;
        };
        let is_apart = tokio::select! {
            is_apart = is_apart(context, relay, canonical) => is_apart,
            () = tokens.soft_stop() => return Ok(released),
        };
        if is_apart {
            store.release_alias(relay.id, now).await?;
            info!(relay.url = %relay.url, canonical = %canonical.url, "alias_released");
            released += 1;
        } else {
            store.record_alias_look(relay.id, now).await?;
        }
    }
    Ok(released)
}

/// Whether two relays that were one show that they are not: their documents differ, or what they hold, or the host
/// of both does not answer everywhere any more. Silence shows nothing.
async fn is_apart(context: &Context, relay: &Relay, canonical: &Relay) -> bool {
    if relay.url.host() != canonical.url.host() {
        let shown = (
            twins::look(context, relay).await,
            twins::look(context, canonical).await,
        );
        return matches!(shown, (Some(one), Some(other)) if one.is_of_another_relay(&other));
    }
    let _permit = context.net.permit(relay.network()).await;
    let documents = (
        document(context, &relay.url).await,
        document(context, &canonical.url).await,
    );
    match documents {
        (Some(one), Some(other)) if one != other => true,
        (Some(_), Some(_)) => minds_paths(context, &relay.url).await,
        _ => false,
    }
}

/// Whether a relay answers, and a path beside it that nobody can have listed leads to none.
async fn minds_paths(context: &Context, url: &RelayUrl) -> bool {
    let Some(elsewhere) = at_path(url, &random_path()) else {
        return false;
    };
    let deadline = || context.net.deadline(url.network());
    let there = probe(&context.net, &elsewhere, deadline()).await;
    there == Err(REFUSED_UPGRADE) && probe(&context.net, url, deadline()).await.is_ok()
}

fn random_path() -> String {
    format!("/{:016x}", rand::random::<u64>())
}

/// A relay's NIP-11 document, if it has one that says anything.
pub(super) async fn document(context: &Context, url: &RelayUrl) -> Option<String> {
    let deadline = context.net.deadline(url.network());
    let read = nip11::fetch(&context.net, url, MAX_DOCUMENT_BYTES, deadline).await;
    let read = read
        .ok()
        .filter(|read| *read != RelayInformation::default());
    read.map(|read| read.to_json())
}
