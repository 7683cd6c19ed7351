//! Rust text as words and marks: enough to tell paths from comments, strings and lifetimes.

/// A piece of code and the line that it begins on, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier, a keyword or a number.
    Word(String),
    /// `::`
    Colons,
    /// Any other single character.
    Mark(char),
}

/// The code of a file, without comments and literals.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (text, 1);
    while !rest.is_empty() {
        let (length, kind) = first(rest);
        tokens.extend(kind.map(|kind| Token { line, kind }));
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

/// How long the first piece of `rest` is, and what it is unless it can be skipped.
fn first(rest: &str) -> (usize, Option<Kind>) {
    let c = rest.chars().next().expect("the caller has text left");
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), None);
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), None);
    }
    if rest.starts_with("::") {
        return (2, Some(Kind::Colons));
    }
    match c {
        '"' => (string(rest), None),
        '\'' => (quoted(rest), None),
        c if is_of_word(c) => word(rest),
        c if c.is_whitespace() => (c.len_utf8(), None),
        c => (c.len_utf8(), Some(Kind::Mark(c))),
    }
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A word, or the literal that it is the prefix of.
fn word(rest: &str) -> (usize, Option<Kind>) {
    let length = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
    let (word, after) = rest.split_at(length);
    let hashes = after.len() - after.trim_start_matches('#').len();
    if matches!(word, "r" | "br" | "cr") && after[hashes..].starts_with('"') {
        let end = format!("\"{}", "#".repeat(hashes));
        let inner = length + hashes + 1;
        let found = rest[inner..].find(&end);
        return (
            found.map_or(rest.len(), |found| inner + found + end.len()),
            None,
        );
    }
    if matches!(word, "b" | "c") && after.starts_with('"') {
        return (length + string(after), None);
    }
    (length, Some(Kind::Word(word.to_owned())))
}

fn string(rest: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// A character, or the mark of a lifetime.
fn quoted(rest: &str) -> usize {
    let inner = &rest[1..];
    if inner.starts_with('\\') {
        let end = inner.get(2..).and_then(|inner| inner.find('\''));
        return end.map_or(rest.len(), |end| end + 4);
    }
    let Some(c) = inner.chars().next() else {
        return 1;
    };
    let is_character = inner[c.len_utf8()..].starts_with('\'');
    if is_character { c.len_utf8() + 2 } else { 1 }
}

/// Comments of this form may hold others.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        let left = &rest[at..];
        if left.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if left.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += left.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let words = tokens(text)
            .into_iter()
            .filter_map(|token| match token.kind {
                Kind::Word(word) => Some(word),
                _ => None,
            });
        words.collect()
    }

    #[test]
    fn comments_and_literals_are_no_code() {
        let text = r####"
            a // b "c
            /* d /* e */ f */ g
            "h \" // i" j 'k' '\'' '\u{6c}' l
            r#"m "n" "# o b"p" c"q" br##"r"# "## s
            'lifetime fn
        "####;
        assert_eq!(
            words(text),
            ["a", "g", "j", "l", "o", "s", "lifetime", "fn"]
        );
    }

    #[test]
    fn tokens_know_their_line() {
        let text = "a\n\"x\ny\"\nb::c";
        let lines: Vec<usize> = tokens(text).iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 4, 4, 4]);
    }
}
