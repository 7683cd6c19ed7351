//! NIP-67: whether an EOSE means that everything stored was sent.

use crate::json::push_string;

/// What a relay adds to EOSE. A relay that adds nothing leaves it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nip67Hint {
    /// Everything that is stored and matches was sent.
    Finish,
    /// More is stored than was sent.
    More,
}

impl Nip67Hint {
    /// The word in the message, e.g. `finish`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finish => "finish",
            Self::More => "more",
        }
    }

    /// The hint of that word; other words mean nothing.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Finish, Self::More]
            .into_iter()
            .find(|hint| hint.as_str() == word)
    }
}

/// The message `["EOSE", subscription]`, with the hint as third element if there is one.
pub fn eose_message(subscription: &str, hint: Option<Nip67Hint>) -> String {
    let mut out = String::with_capacity(subscription.len() + 26);
    out.push_str("[\"EOSE\",");
    push_string(&mut out, subscription);
    if let Some(hint) = hint {
        out.push_str(",[\"");
        out.push_str(hint.as_str());
        out.push_str("\"]");
    }
    out.push(']');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_carry_the_hint() {
        assert_eq!(eose_message("s\"", None), r#"["EOSE","s\""]"#);
        let finish = eose_message("s", Some(Nip67Hint::Finish));
        assert_eq!(finish, r#"["EOSE","s",["finish"]]"#);
        assert_eq!(
            eose_message("s", Some(Nip67Hint::More)),
            r#"["EOSE","s",["more"]]"#
        );
        assert_eq!(Nip67Hint::from_word("more"), Some(Nip67Hint::More));
        assert_eq!(Nip67Hint::from_word("finished"), None);
    }
}
