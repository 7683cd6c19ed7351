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

/// Relays of one host that are compared: more than a host may have candidates.
const MAX_BESIDE: usize = 64;

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
    let paths = [rand::random::<u64>(), rand::random::<u64>()].map(|path| format!("/{path:016x}"));
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

/// A relay's NIP-11 document, if it has one that says anything.
async fn document(context: &Context, url: &RelayUrl) -> Option<String> {
    let deadline = context.net.deadline(url.network());
    let read = nip11::fetch(&context.net, url, MAX_DOCUMENT_BYTES, deadline).await;
    let read = read
        .ok()
        .filter(|read| *read != RelayInformation::default());
    read.map(|read| read.to_json())
}
