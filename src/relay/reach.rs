//! Whether a client has to say who it is before its filters can have an answer (NIP-42).

use nips::{Filter, PublicKey};

/// Refuses filters that ask for private events alone, and of nobody whom the client has proved to be. Where
/// one of several filters can be answered, the whole is.
///
/// # Errors
/// The refusal, with its prefix.
pub(super) fn check_reach(filters: &[Filter], keys: &[PublicKey]) -> Result<(), &'static str> {
    let is_in_reach = |filter: &Filter| !is_private(filter) || may_concern(filter, keys);
    if filters.iter().any(is_in_reach) {
        Ok(())
    } else if keys.is_empty() {
        Err("auth-required: private events are shown to their sender and recipients")
    } else {
        Err("restricted: these private events are of other people")
    }
}

/// Whether filters ask for private events beside others: an answer without them is not wrong, and
/// not all that was asked for.
pub(super) fn is_partly_private(filters: &[Filter]) -> bool {
    let kinds = filters.iter().filter_map(|filter| filter.kinds.as_ref());
    kinds.flatten().any(|kind| kind.is_private())
}

fn is_private(filter: &Filter) -> bool {
    let kinds = filter.kinds.iter().flatten();
    !filter.is_empty() && filter.kinds.is_some() && kinds.clone().all(|kind| kind.is_private())
}

/// Whether an event that matches can be of or for one of the keys.
fn may_concern(filter: &Filter, keys: &[PublicKey]) -> bool {
    let authors = filter.authors.as_ref();
    let may_be_of = |key: &PublicKey| authors.is_none_or(|keys| keys.contains(key));
    let recipients = filter.tags.get(&b'p');
    let may_be_for =
        |key: &PublicKey| recipients.is_none_or(|values| values.contains(&key.to_hex()));
    keys.iter().any(|key| may_be_of(key) || may_be_for(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: PublicKey = PublicKey([1; 32]);
    const BOB: PublicKey = PublicKey([2; 32]);

    #[test]
    fn private_kinds_need_a_party() {
        let of = |key: PublicKey| format!(r#","authors":["{key}"]"#);
        let to = |key: PublicKey| format!(r##","#p":["{key}"]"##);
        for (rest, as_nobody, as_alice) in [
            (String::new(), "auth-required", "ok"),
            (of(ALICE), "auth-required", "ok"),
            (to(ALICE), "auth-required", "ok"),
            (of(BOB), "auth-required", "ok"),
            (of(BOB) + &to(ALICE), "auth-required", "ok"),
            (of(BOB) + &to(BOB), "auth-required", "restricted"),
        ] {
            for (kinds, is_private) in [("4", true), ("4,1059,21059", true), ("1,4", false)] {
                let filter = format!(r#"{{"kinds":[{kinds}]{rest}}}"#);
                let filters = [Filter::from_json(&filter).unwrap()];
                for (keys, expected) in [(&[][..], as_nobody), (&[ALICE], as_alice)] {
                    let verdict = check_reach(&filters, keys);
                    let prefix =
                        verdict.map_or_else(|why| why.split(':').next().unwrap(), |()| "ok");
                    let expected = if is_private { expected } else { "ok" };
                    assert_eq!(prefix, expected, "{filter} {keys:?}");
                }
                assert!(is_partly_private(&filters));
            }
        }
    }

    #[test]
    fn one_filter_in_reach_is_enough() {
        let filters =
            [r#"{"kinds":[4]}"#, r#"{"kinds":[1]}"#].map(|json| Filter::from_json(json).unwrap());
        assert_eq!(check_reach(&filters, &[]), Ok(()));
        assert!(check_reach(&filters[..1], &[]).is_err());
    }

    #[test]
    fn filters_without_kinds_are_nobodys_secret() {
        for filter in ["{}", r#"{"kinds":[]}"#, r#"{"kinds":[4],"ids":[]}"#] {
            let filters = [Filter::from_json(filter).unwrap()];
            assert_eq!(check_reach(&filters, &[]), Ok(()), "{filter}");
        }
    }
}
