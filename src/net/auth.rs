//! NIP-42 from the client's side: who signs, how far it got, and when a refused request is
//! repeated.

use std::sync::Arc;
use std::time::Duration;

use nips::{EventId, RelayUrl};
use tokio::time::Instant;

/// How many challenges of one session are answered. One is normal, a second may follow a restart
/// behind a load balancer; a flood of them would have us sign all day.
const MAX_ANSWERS: u8 = 4;
/// Longest challenge answered, in bytes; relays use 16 to 64.
const MAX_CHALLENGE_BYTES: usize = 1_024;
/// Some relays send the challenge after the refusal instead of before. It is on its way then.
const CHALLENGE_GRACE: Duration = Duration::from_secs(2);

/// Signs NIP-42 answers (kind 22242) with a key whose owner has decided to be known to this relay.
pub trait AuthSigner: Send + Sync {
    /// The id and the JSON of the signed event, or `None` to remain unknown to this relay.
    fn sign_auth(&self, relay: &RelayUrl, challenge: &str) -> Option<(EventId, String)>;
}

/// How far authentication has got on one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No challenge yet.
    Unchallenged,
    /// Our answer is on its way or being looked at.
    Pending(EventId),
    /// The relay took our answer.
    Accepted,
    /// We did not answer, or the relay did not take it.
    Failed,
}

/// One connection's part in NIP-42.
pub(super) struct Auth {
    signer: Option<Arc<dyn AuthSigner>>,
    stage: Stage,
    answers: u8,
}

impl Auth {
    pub(super) fn new(signer: Option<Arc<dyn AuthSigner>>) -> Self {
        Self {
            signer,
            stage: Stage::Unchallenged,
            answers: 0,
        }
    }

    pub(super) fn is_challenged(&self) -> bool {
        self.stage != Stage::Unchallenged
    }

    /// Takes a challenge and returns the frame that answers it, if it is to be answered.
    pub(super) fn on_challenge(&mut self, relay: &RelayUrl, challenge: &str) -> Option<String> {
        let may_answer = self.answers < MAX_ANSWERS && challenge.len() <= MAX_CHALLENGE_BYTES;
        let signer = self.signer.as_ref().filter(|_| may_answer);
        let Some((id, event)) = signer.and_then(|signer| signer.sign_auth(relay, challenge)) else {
            self.stage = Stage::Failed;
            return None;
        };
        self.answers += 1;
        self.stage = Stage::Pending(id);
        Some(format!(r#"["AUTH",{event}]"#))
    }

    /// Takes an OK; whether it was the one for our answer.
    pub(super) fn on_ok(&mut self, id: EventId, accepted: bool) -> bool {
        let is_ours = self.stage == Stage::Pending(id);
        if is_ours {
            self.stage = if accepted {
                Stage::Accepted
            } else {
                Stage::Failed
            };
        }
        is_ours
    }
}

/// What to do about a request for which authentication matters.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Wait,
    Repeat,
    GiveUp { message: String },
}

/// Whether one request was refused for want of authentication, and repeated because of it.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    message: Option<String>,
    is_repeated: bool,
    grace_until: Option<Instant>,
}

impl Refusal {
    /// The relay refused with `auth-required`.
    pub(super) fn on_refused(&mut self, message: String, auth: &Auth) -> Step {
        self.message = Some(message);
        if auth.signer.is_some() && auth.stage == Stage::Unchallenged {
            self.grace_until = Some(Instant::now() + CHALLENGE_GRACE);
        }
        self.step(auth)
    }

    /// Authentication has come to an end, well or badly. `is_answered` says whether the relay has
    /// begun to answer the request as it was.
    pub(super) fn on_authenticated(&mut self, auth: &Auth, is_answered: bool) -> Step {
        let is_ignored = self.message.is_none() && !is_answered && !self.is_repeated;
        if is_ignored && auth.stage == Stage::Accepted {
            // Relays that serve members only may drop what came before AUTH without a word.
            self.is_repeated = true;
            return Step::Repeat;
        }
        self.step(auth)
    }

    /// Until when the next message is waited for.
    pub(super) fn wait_until(&self, deadline: Instant, auth: &Auth) -> Instant {
        match self.grace_until {
            Some(grace) if auth.stage == Stage::Unchallenged => grace.min(deadline),
            _ => deadline,
        }
    }

    /// The refusal to report when waiting has come to an end.
    pub(super) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    fn step(&mut self, auth: &Auth) -> Step {
        let Some(message) = &self.message else {
            return Step::Wait;
        };
        let is_final = auth.signer.is_none() || self.is_repeated;
        match auth.stage {
            Stage::Unchallenged | Stage::Pending(_) if !is_final => Step::Wait,
            Stage::Accepted if !is_final => {
                self.message = None;
                self.is_repeated = true;
                Step::Repeat
            }
            _ => Step::GiveUp {
                message: message.clone(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Signer;
    impl AuthSigner for Signer {
        fn sign_auth(&self, _relay: &RelayUrl, challenge: &str) -> Option<(EventId, String)> {
            (challenge != "ours?").then(|| (EventId([7; 32]), "{}".to_owned()))
        }
    }

    fn relay() -> RelayUrl {
        RelayUrl::parse("wss://relay.damus.io").unwrap()
    }

    fn refused(refusal: &mut Refusal, auth: &Auth) -> Step {
        refusal.on_refused("auth-required: x".to_owned(), auth)
    }

    fn give_up() -> Step {
        Step::GiveUp {
            message: "auth-required: x".to_owned(),
        }
    }

    #[test]
    fn without_signer_a_refusal_is_final_at_once() {
        let mut auth = Auth::new(None);
        assert_eq!(auth.on_challenge(&relay(), "c"), None);
        assert!(auth.is_challenged());
        assert_eq!(refused(&mut Refusal::default(), &auth), give_up());
    }

    #[test]
    fn a_refused_request_is_repeated_once() {
        let mut auth = Auth::new(Some(Arc::new(Signer)));
        let mut refusal = Refusal::default();
        assert_eq!(refused(&mut refusal, &auth), Step::Wait);
        assert!(auth.on_challenge(&relay(), "c").is_some());
        assert!(!auth.on_ok(EventId([8; 32]), true));
        assert!(auth.on_ok(EventId([7; 32]), true));
        assert_eq!(refusal.on_authenticated(&auth, true), Step::Repeat);
        assert_eq!(refused(&mut refusal, &auth), give_up());
    }

    #[test]
    fn a_request_that_was_ignored_before_auth_is_repeated_too() {
        let mut auth = Auth::new(Some(Arc::new(Signer)));
        auth.on_challenge(&relay(), "c");
        auth.on_ok(EventId([7; 32]), true);
        let mut refusal = Refusal::default();
        assert_eq!(refusal.on_authenticated(&auth, true), Step::Wait);
        assert_eq!(refusal.on_authenticated(&auth, false), Step::Repeat);
        assert_eq!(refusal.on_authenticated(&auth, false), Step::Wait);
    }

    #[test]
    fn a_signer_may_decline_and_floods_are_not_answered() {
        let mut auth = Auth::new(Some(Arc::new(Signer)));
        assert_eq!(auth.on_challenge(&relay(), "ours?"), None);
        assert_eq!(refused(&mut Refusal::default(), &auth), give_up());
        let challenges = (0..100).filter(|_| auth.on_challenge(&relay(), "c").is_some());
        assert_eq!(challenges.count(), usize::from(MAX_ANSWERS));
    }
}
