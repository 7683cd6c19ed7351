//! Passwords in URLs: refused, since files are copied, shown and kept in version control.

/// Whether a URL has the form `scheme://user:password@host`.
pub(super) fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    user.is_some_and(|user| user.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_password_in_front_of_the_host_is_one() {
        for (url, expected) in [
            ("postgres://writer:secret@host/db", true),
            ("https://a:b@c:d@host", true),
            ("postgres://writer@host:5432/db", false),
            ("https://host/a:b@c", false),
            ("https://[::1]:80/?x=a:b@c", false),
        ] {
            assert_eq!(has_password(url), expected, "{url}");
        }
    }
}
