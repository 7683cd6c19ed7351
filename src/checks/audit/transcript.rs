//! What was said, short enough to be kept: who doubts a verdict can see what it rests on, and repeat it.

/// Most lines of one audit.
const MAX_LINES: usize = 64;

/// Longest line, bytes. The beginning of a message says what it is.
const MAX_LINE_BYTES: usize = 256;

/// Lines of one side of an exchange that are kept from its beginning; the last one is kept too.
const MAX_FIRST: usize = 2;

/// The lines.
#[derive(Debug, Default)]
pub(super) struct Transcript(Vec<String>);

impl Transcript {
    /// Writes down what one side said in one exchange; `side` is `>` for us and `<` for the relay.
    pub(super) fn note(&mut self, side: char, messages: &[String]) {
        let (first, rest) = messages.split_at(messages.len().min(MAX_FIRST));
        for message in first {
            self.add(side, message);
        }
        if let [between @ .., last] = rest {
            if !between.is_empty() {
                self.add(side, &format!("… {} more", between.len()));
            }
            self.add(side, last);
        }
    }

    /// The lines, oldest first.
    pub(super) fn into_lines(self) -> Vec<String> {
        self.0
    }

    fn add(&mut self, side: char, message: &str) {
        if self.0.len() >= MAX_LINES {
            return;
        }
        let cut = &message[..message.floor_char_boundary(MAX_LINE_BYTES)];
        let replaced = cut.replace(char::is_control, " ");
        let more = if cut.len() < message.len() { "…" } else { "" };
        self.0.push(format!("{side} {replaced}{more}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_shortened_and_says_so() {
        let mut transcript = Transcript::default();
        transcript.note('>', &["é".repeat(200)]);
        let events: Vec<String> = (0..100).map(|number| format!("event {number}\n")).collect();
        transcript.note('<', &events);
        let lines = transcript.into_lines();
        assert_eq!(lines[0], format!("> {}…", "é".repeat(128)));
        let rest = ["< event 0 ", "< event 1 ", "< … 97 more", "< event 99 "];
        assert_eq!(lines[1..], rest);
    }

    #[test]
    fn there_is_an_end_to_it() {
        let mut transcript = Transcript::default();
        for _ in 0..100 {
            transcript.note('>', &["x".to_owned()]);
        }
        assert_eq!(transcript.into_lines().len(), MAX_LINES);
    }
}
