//! NIP-50: whether `search` finds what is there, and nothing where there is nothing to find.

use nips::{Event, Filter};

use super::exchange::Exchange;
use super::interview::Interview;
use super::verdict::Verdict;

/// Events asked for at most, as many as are known from the first page.
const FOUND: usize = 5;

/// Length of the words that are looked for: shorter ones are everywhere, longer ones are no words.
const WORD: std::ops::RangeInclusive<usize> = 6..=20;

/// Looks for a word that nobody has ever written, then for one that is in a note of the relay.
pub(super) async fn probe(interview: &mut Interview<'_>, notes: &[Event]) -> Verdict {
    let (id, found) = search(interview, nonsense()).await;
    if let Some(verdict) = judge_nonsense(&found, &id, notes) {
        return verdict;
    }
    let Some(word) = notes.iter().find_map(word_of) else {
        return Verdict::untestable("it has no text note with a word to look for");
    };
    let (id, found) = search(interview, word.clone()).await;
    judge_word(&found, &id, &word)
}

async fn search(interview: &mut Interview<'_>, text: String) -> (String, Exchange) {
    let filter = Filter {
        search: Some(text),
        ..interview.notes(Some(FOUND))
    };
    interview.request(&[filter]).await
}

/// Letters in an order that no language has.
fn nonsense() -> String {
    let letter = |byte: u8| char::from(b"bcdfghjklmnpqrstvwxz"[usize::from(byte) % 20]);
    rand::random::<[u8; 24]>().into_iter().map(letter).collect()
}

/// A word of a note that stands by itself, so that however words are told apart it is one.
fn word_of(note: &Event) -> Option<String> {
    let content = note.as_ref().content().into_owned();
    let words = content.split_whitespace();
    let is_word = |word: &&str| {
        WORD.contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase())
    };
    words.filter(is_word).map(str::to_owned).next()
}

/// What the answer to nonsense says by itself.
fn judge_nonsense(found: &Exchange, id: &str, notes: &[Event]) -> Option<Verdict> {
    let events: Vec<Event> = found.events(id).into_iter().flatten().collect();
    // Those that a request without `search` gets. Some relays search by likeness, and always find something.
    let is_plain = |event: &Event| notes.iter().any(|note| note.id() == event.id());
    if !events.is_empty() && events.iter().all(is_plain) {
        let reason = "sends the newest notes, whatever is looked for";
        return Some(Verdict::no(reason).measuring(events.len()));
    }
    if !events.is_empty() {
        return Some(Verdict::untestable(
            "finds something for a word that nobody wrote",
        ));
    }
    if let Some(text) = found.puzzlement(id) {
        return Some(Verdict::no(format!("does not know search: {text}")));
    }
    let is_nothing = found.has_eose(id);
    (!is_nothing).then(|| Verdict::untestable(found.shortfall(id)))
}

fn judge_word(found: &Exchange, id: &str, word: &str) -> Verdict {
    let events: Vec<Event> = found.events(id).into_iter().flatten().collect();
    let has_word = |event: &Event| event.as_ref().content().to_lowercase().contains(word);
    if events.iter().any(has_word) {
        return Verdict::yes("finds a word of a note, and nothing for nonsense");
    }
    if found.has_eose(id) {
        // Indexes lag behind, and leave out what they take for spam.
        return Verdict::untestable("does not find a word of a note that it has");
    }
    Verdict::untestable(found.shortfall(id))
}

#[cfg(test)]
mod tests {
    use nips::Kind;
    use nips::nip66::Observed;

    use super::super::exchange::tests::{mumbled, said};
    use super::super::note;
    use super::*;

    fn reply(event: &Event) -> String {
        format!(r#"["EVENT","s",{}]"#, event.to_json())
    }

    #[test]
    fn a_relay_that_passes_over_search_is_found_out() {
        let notes = [note(Kind(1), 300, &[]), note(Kind(1), 200, &[])];
        let old = note(Kind(1), 100, &[]);
        let eose = r#"["EOSE","s"]"#;
        let judge = |replies: &[&str]| {
            let verdict = judge_nonsense(&said(replies), "s", &notes);
            verdict.map(|verdict| verdict.observed)
        };
        let (first, second) = (reply(&notes[0]), reply(&notes[1]));
        assert_eq!(judge(&[&first, &second, eose]), Some(Observed::No));
        assert_eq!(judge(&[&reply(&old), eose]), Some(Observed::Untestable));
        assert_eq!(
            judge(&[&first, &reply(&old), eose]),
            Some(Observed::Untestable)
        );
        assert_eq!(judge(&[eose]), None);
        let unsupported = r#"["CLOSED","s","unsupported: search"]"#;
        assert_eq!(judge(&[unsupported]), Some(Observed::No));
        let silent = judge_nonsense(&mumbled(&[]), "s", &notes).unwrap();
        assert_eq!(silent.observed, Observed::Untestable);
    }

    #[test]
    fn nonsense_is_none_of_the_words() {
        let word = nonsense();
        assert!(word.len() == 24 && word.bytes().all(|byte| byte.is_ascii_lowercase()));
        assert_ne!(word, nonsense());
    }
}
