//! NIP-86: what the operator asks for over HTTP, done.

use std::net::IpAddr;
use std::sync::Arc;

use nips::nip86::{self, Call, METHODS};
use nips::{EventId, Kind, PublicKey};
use serde_json::{Value, json};

use super::authorization::{Claim, USED, Unauthorized};
use super::decisions::{Decision, Decisions, Subject, Verdict};
use super::information;
use super::server::{Inner, Relay};
use crate::model::AddressBlock;
use crate::store::{StateStore, StoreError};

/// Longest body of a request, bytes.
pub const MAX_REQUEST_BYTES: usize = 64 << 10;

/// Longest reason, name or description, bytes.
const MAX_TEXT: usize = 4 << 10;

/// Decisions that can stand at a time; at about 300 bytes each this is 30 MB.
const MAX_DECISIONS: usize = 100_000;

/// The reason of what stands in the configuration.
const CONFIGURED: &str = "policy.yaml";

/// Why something was not done, in words for the operator.
enum Undone {
    Refused(String),
    Store(StoreError),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Relay {
    /// Takes up what operators decided earlier, and keeps there what they decide from now on. Without this,
    /// a restart forgets it.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub async fn keep_decisions_in(&self, store: Arc<dyn StateStore>) -> Result<(), StoreError> {
        let kept = self.inner().decided.keep_in(store).await?;
        for row in kept.iter().filter(|row| row.key == USED) {
            self.inner().used.restore(&row.value);
        }
        self.inner().write_information();
        Ok(())
    }

    /// Does what an operator asks for, once it has proved to be one, and gives the answer as JSON.
    ///
    /// # Errors
    /// [`Unauthorized`]; nothing was done then.
    pub async fn manage(&self, claim: Claim, body: &[u8]) -> Result<String, Unauthorized> {
        let inner = self.inner();
        inner.authorize(claim, body).await?;
        let call = match Call::from_json(body) {
            Ok(call) => call,
            Err(error) => return Ok(nip86::error(&error.to_string())),
        };
        let method = call.method();
        match inner.call(call).await {
            Ok(result) => {
                tracing::info!(service = "relay", method, "managed");
                Ok(nip86::result(&result))
            }
            Err(Undone::Refused(why)) => Ok(nip86::error(&why)),
            Err(Undone::Store(error)) => {
                tracing::warn!(service = "relay", method, reason = error.reason(), %error, "an operator's decision could not be kept");
                Ok(nip86::error("the decision could not be stored"))
            }
        }
    }
}

impl Inner {
    async fn call(&self, call: Call) -> Result<Value, Undone> {
        let decisions = self.decided.now();
        match call {
            Call::SupportedMethods => Ok(json!(METHODS)),
            Call::BanPubkey(author, reason) => {
                self.check_bannable(author)?;
                let decision = Decision::banned(reason);
                self.decide(Subject::Author(author), decision).await
            }
            Call::UnbanPubkey(author) => {
                self.take_back(Subject::Author(author), Verdict::Banned)
                    .await
            }
            Call::ListBannedPubkeys => Ok(self.banned_pubkeys(&decisions)),
            Call::AllowPubkey(author, reason) => {
                let decision = Decision::allowed(reason);
                self.decide(Subject::Author(author), decision).await
            }
            Call::UnallowPubkey(author) => {
                self.take_back(Subject::Author(author), Verdict::Allowed)
                    .await
            }
            Call::ListAllowedPubkeys => Ok(self.allowed_pubkeys(&decisions)),
            Call::BanEvent(id, reason) => {
                let decision = Decision::banned(reason);
                self.decide(Subject::Event(id), decision).await
            }
            Call::AllowEvent(id) => self.take_back(Subject::Event(id), Verdict::Banned).await,
            Call::ListBannedEvents => Ok(banned_events(&decisions)),
            Call::AllowKind(kind) => {
                let decision = Decision::allowed(String::new());
                self.decide(Subject::Kind(kind), decision).await
            }
            Call::DisallowKind(kind) => {
                let decision = Decision::banned(String::new());
                self.decide(Subject::Kind(kind), decision).await
            }
            Call::ListAllowedKinds => Ok(self.allowed_kinds(&decisions)),
            Call::BlockIp(address, reason) => {
                let decision = Decision::banned(reason);
                self.decide(Subject::Address(address), decision).await
            }
            Call::UnblockIp(address) => self.unblock(&decisions, address).await,
            Call::ListBlockedIps => Ok(blocked_addresses(&decisions)),
            Call::ChangeRelayName(text) => self.decide(Subject::Name, Decision::set(text)).await,
            Call::ChangeRelayDescription(text) => {
                self.decide(Subject::Description, Decision::set(text)).await
            }
            Call::ChangeRelayIcon(text) => self.decide(Subject::Icon, Decision::set(text)).await,
        }
    }

    async fn decide(&self, subject: Subject, decision: Decision) -> Result<Value, Undone> {
        if decision.text.len() > MAX_TEXT {
            return refused(format!("the text is longer than {MAX_TEXT} bytes"));
        }
        let is_new = self.decided.now().about(subject).is_none();
        if is_new && self.decided.now().len() >= MAX_DECISIONS {
            return refused(format!("{MAX_DECISIONS} decisions stand already"));
        }
        self.change(subject, Some(decision)).await
    }

    /// Takes back a decision of that kind, if there is one.
    async fn take_back(&self, subject: Subject, verdict: Verdict) -> Result<Value, Undone> {
        if self.decided.now().about(subject) == Some(verdict) {
            return self.change(subject, None).await;
        }
        match self.is_configured(subject, verdict) {
            true => refused(format!("that is decided in {CONFIGURED}")),
            false => Ok(true.into()),
        }
    }

    async fn change(&self, subject: Subject, decision: Option<Decision>) -> Result<Value, Undone> {
        let now = self.clock.now();
        self.decided.decide(subject, decision, now).await?;
        self.write_information();
        Ok(true.into())
    }

    /// Takes back all that keeps out the machine of an address.
    async fn unblock(&self, decisions: &Decisions, address: IpAddr) -> Result<Value, Undone> {
        let host = AddressBlock::of_host(address);
        for (subject, _) in decisions.iter() {
            match subject {
                Subject::Address(blocked) if host.contains(*blocked) => {
                    self.change(*subject, None).await?;
                }
                _ => {}
            }
        }
        Ok(true.into())
    }

    fn check_bannable(&self, author: PublicKey) -> Result<(), Undone> {
        let management = self.settings.management.as_ref();
        let is_operator = management.is_some_and(|one| one.operators.contains(&author));
        match is_operator || self.settings.write.insiders.contains(&author) {
            true => refused("that key is the operator's or the monitor's".to_owned()),
            false => Ok(()),
        }
    }

    fn is_configured(&self, subject: Subject, verdict: Verdict) -> bool {
        let write = &self.settings.write;
        match (subject, verdict) {
            (Subject::Author(author), Verdict::Banned) => write.authors_blocked.contains(&author),
            (Subject::Author(author), Verdict::Allowed) => write.authors_allowed.contains(&author),
            _ => false,
        }
    }

    fn banned_pubkeys(&self, decisions: &Decisions) -> Value {
        let configured = self.settings.write.authors_blocked.iter();
        pubkeys(decisions, Verdict::Banned, configured)
    }

    fn allowed_pubkeys(&self, decisions: &Decisions) -> Value {
        let configured = self.settings.write.authors_allowed.iter();
        pubkeys(decisions, Verdict::Allowed, configured)
    }

    fn allowed_kinds(&self, decisions: &Decisions) -> Value {
        let is_open = |kind: &&Kind| decisions.about(Subject::Kind(**kind)).is_none();
        let decided = decisions
            .iter()
            .filter_map(|(subject, decision)| match subject {
                Subject::Kind(kind) if decision.verdict == Verdict::Allowed => Some(kind),
                _ => None,
            });
        let configured = self.settings.write.kinds_allowed.iter().filter(is_open);
        let mut kinds: Vec<u16> = decided.chain(configured).map(|kind| kind.0).collect();
        kinds.sort_unstable();
        json!(kinds)
    }

    /// Makes the NIP-11 document of what is in force.
    pub(super) fn write_information(&self) {
        // Under the lock, so that of two changes the later one is what stays.
        let mut information = self.information.write().expect("no panic under the lock");
        let info = self.decided.now().identity(&self.settings.info);
        let document = information::document(&info, &self.settings, self.archive.settings());
        *information = document.into();
    }
}

fn refused<T>(why: String) -> Result<T, Undone> {
    Err(Undone::Refused(why))
}

/// Authors about whom that was decided or, where nothing was, configured.
fn pubkeys<'k>(
    decisions: &Decisions,
    verdict: Verdict,
    configured: impl Iterator<Item = &'k PublicKey>,
) -> Value {
    let decided = decisions
        .iter()
        .filter_map(|(subject, decision)| match subject {
            Subject::Author(author) if decision.verdict == verdict => {
                Some((*author, decision.text.as_str()))
            }
            _ => None,
        });
    let configured = configured
        .filter(|author| decisions.about(Subject::Author(**author)).is_none())
        .map(|author| (*author, CONFIGURED));
    decided
        .chain(configured)
        .map(|(author, reason)| json!({"pubkey": author.to_hex(), "reason": reason}))
        .collect()
}

fn banned_events(decisions: &Decisions) -> Value {
    let row = |id: &EventId, reason: &str| json!({"id": id.to_hex(), "reason": reason});
    let rows = decisions
        .iter()
        .filter_map(|(subject, decision)| match subject {
            Subject::Event(id) => Some(row(id, &decision.text)),
            _ => None,
        });
    rows.collect()
}

fn blocked_addresses(decisions: &Decisions) -> Value {
    let row = |address: &IpAddr, reason: &str| json!({"ip": address, "reason": reason});
    let rows = decisions
        .iter()
        .filter_map(|(subject, decision)| match subject {
            Subject::Address(address) => Some(row(address, &decision.text)),
            _ => None,
        });
    rows.collect()
}
