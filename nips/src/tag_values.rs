//! Reading decoded tags: what a filter may see of them, and the values NIPs give a meaning.

use crate::event::Tag;

/// The tags that NIP-01 lets a filter ask for: a name of one ASCII letter, and the value at index 1.
///
/// A tag without a value is not among them. Repeats are.
pub fn indexed<'t>(tags: &'t [Tag<'_>]) -> impl Iterator<Item = (u8, &'t str)> {
    tags.iter().filter_map(|tag| {
        let [name, value, ..] = tag.as_slice() else {
            return None;
        };
        match name.as_bytes() {
            [letter] if letter.is_ascii_alphabetic() => Some((*letter, value.as_ref())),
            _ => None,
        }
    })
}

/// Whether there is a tag called `name`, with or without a value.
pub fn has_tag(tags: &[Tag<'_>], name: &str) -> bool {
    tags.iter()
        .any(|tag| tag.first().is_some_and(|first| first == name))
}

/// The values at index 1 of all tags called `name`, in order.
pub fn values<'t>(tags: &'t [Tag<'_>], name: &str) -> impl Iterator<Item = &'t str> {
    tags.iter().filter_map(move |tag| match tag.as_slice() {
        [first, value, ..] if first == name => Some(value.as_ref()),
        _ => None,
    })
}

/// The `d` value of an addressable event: that of the first `d` tag, `""` without one (NIP-01).
pub fn identifier<'t>(tags: &'t [Tag<'_>]) -> &'t str {
    let first = tags
        .iter()
        .find(|tag| tag.first().is_some_and(|name| name == "d"));
    first.and_then(|tag| tag.get(1)).map_or("", AsRef::as_ref)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags() -> Vec<Tag<'static>> {
        [
            vec!["e", "1", "wss://a.com"],
            vec!["t"],
            vec![],
            vec!["d"],
            vec!["d", "second"],
            vec!["relay", "wss://b.com"],
            vec!["é", "x"],
            vec!["Z", ""],
        ]
        .into_iter()
        .map(|tag| tag.into_iter().map(Into::into).collect())
        .collect()
    }

    #[test]
    fn a_filter_sees_letters_with_values() {
        let seen: Vec<_> = indexed(&tags())
            .map(|(letter, value)| (letter, value.to_owned()))
            .collect();
        let expected = [(b'e', "1"), (b'd', "second"), (b'Z', "")];
        assert_eq!(
            seen,
            expected.map(|(letter, value)| (letter, value.to_owned()))
        );
    }

    #[test]
    fn only_the_first_d_tag_counts() {
        assert_eq!(identifier(&tags()), "");
        assert_eq!(identifier(&tags()[4..]), "second");
        assert_eq!(identifier(&[]), "");
    }

    #[test]
    fn tags_are_found_by_name() {
        assert!(has_tag(&tags(), "t") && !has_tag(&tags(), "x"));
        assert_eq!(
            values(&tags(), "relay").collect::<Vec<_>>(),
            ["wss://b.com"]
        );
        assert_eq!(values(&tags(), "t").count(), 0);
    }
}
