//! What an event of each kind looks like: its tags and its content.

use nips::Kind;
use rand::Rng;
use rand::seq::IndexedRandom;
use serde_json::json;

use super::generator::Generator;
use super::text;

/// Longest list of followed keys. Real ones are longer; 5 % of the events would then be half the bytes.
const MAX_FOLLOWS: usize = 120;

impl Generator {
    /// Tags and content for an event of a kind; sometimes the kind has to change.
    pub(super) fn draft(&mut self, kind: Kind, author: usize) -> (Kind, Vec<Vec<String>>, String) {
        let (tags, content) = match kind.0 {
            0 => (vec![], self.profile()),
            1 => self.note(),
            3 => self.follows(),
            4 => self.direct_message(),
            5 => match self.deletion(author) {
                Some(tags) => (tags, String::new()),
                None => return self.draft(Kind::TEXT_NOTE, author),
            },
            6 | 16 => self.repost(),
            7 => self.reaction(),
            1059 => (vec![self.person()], text::base64(&mut self.rng, 700)),
            9735 => self.zap_receipt(),
            10002 | 10050 | 10007 => (self.relay_list(kind), String::new()),
            1111 | 42 | 1984 | 9802 | 1010 | 6300 => self.reply(kind),
            10000 => ((0..8).map(|_| self.person()).collect(), String::new()),
            30000..=39999 => self.addressable(kind),
            _ => self.application(),
        };
        (kind, tags, content)
    }

    fn profile(&mut self) -> String {
        let name = text::word(&mut self.rng);
        let number = self.rng.random_range(1..100_000);
        let about = text::sentence(&mut self.rng, 80);
        json!({
            "name": format!("{name}{number}"),
            "about": about,
            "picture": format!("https://example.com/{name}/{number}.jpg"),
            "nip05": format!("{name}{number}@example.com"),
        })
        .to_string()
    }

    fn note(&mut self) -> (Vec<Vec<String>>, String) {
        let bytes = text::note_bytes(&mut self.rng);
        let content = text::sentence(&mut self.rng, bytes);
        let mut tags = Vec::new();
        if self.rng.random_ratio(1, 2) {
            tags.extend(self.reference("reply"));
            tags.push(self.person());
        }
        if self.rng.random_ratio(1, 4) {
            tags.push(strings(["t", text::word(&mut self.rng)]));
        }
        (tags, content)
    }

    fn follows(&mut self) -> (Vec<Vec<String>>, String) {
        let count = self.rng.random_range(1..=MAX_FOLLOWS);
        let tags = (0..count).map(|_| self.person()).collect();
        let relay = self.relay();
        // The old habit of keeping one's relays in the content of the follow list.
        let content = match self.rng.random_ratio(1, 3) {
            true => json!({ relay: { "read": true, "write": true } }).to_string(),
            false => String::new(),
        };
        (tags, content)
    }

    fn direct_message(&mut self) -> (Vec<Vec<String>>, String) {
        let bytes = self.rng.random_range(32..400);
        let cipher = text::base64(&mut self.rng, bytes);
        let vector = text::base64(&mut self.rng, 16);
        (vec![self.person()], format!("{cipher}?iv={vector}"))
    }

    /// Names an own event, or an own addressable one by coordinate.
    fn deletion(&mut self, author: usize) -> Option<Vec<Vec<String>>> {
        let pubkey = self.authors[author].pubkey();
        let (_, target) = self
            .recent
            .iter()
            .rev()
            .find(|(index, event)| *index == author && event.kind() != Kind::DELETION)?;
        let kind = target.kind().to_string();
        let name = match target.as_ref().first_tag("d") {
            Some(d) if target.kind().is_replaceable() => {
                vec!["a".to_owned(), format!("{kind}:{pubkey}:{d}")]
            }
            _ => vec!["e".to_owned(), target.id().to_hex()],
        };
        Some(vec![name, vec!["k".to_owned(), kind]])
    }

    fn repost(&mut self) -> (Vec<Vec<String>>, String) {
        let mut tags: Vec<_> = self.reference("").into_iter().collect();
        tags.push(self.person());
        let content = match self.rng.random_ratio(1, 4) {
            true => self.recent.back().map(|(_, event)| event.to_json()),
            false => None,
        };
        (tags, content.unwrap_or_default())
    }

    fn reaction(&mut self) -> (Vec<Vec<String>>, String) {
        let mut tags: Vec<_> = self.reference("").into_iter().collect();
        tags.push(self.person());
        let content = ["+", "+", "🤙", "❤️", "-", ":soapbox:"].choose(&mut self.rng);
        (tags, (*content.expect("not empty")).to_owned())
    }

    fn zap_receipt(&mut self) -> (Vec<Vec<String>>, String) {
        let sender = self.rng.random_range(0..self.authors.len());
        let person = self.person();
        let (amount, relay) = (self.rng.random_range(1..100_000) * 1_000, self.relay());
        let request = self.authors[sender].sign(
            Kind(9734),
            self.now,
            vec![
                strings(["relays", &relay]),
                strings(["amount", &amount.to_string()]),
                person.clone(),
            ],
            "",
        );
        let invoice = text::hex32(&mut self.rng);
        let mut tags = vec![
            person,
            strings(["bolt11", &format!("lnbc{amount}n1p{invoice}")]),
            strings(["description", &request.to_json()]),
            strings(["preimage", &text::hex32(&mut self.rng)]),
        ];
        tags.extend(self.reference(""));
        (tags, String::new())
    }

    fn relay_list(&mut self, kind: Kind) -> Vec<Vec<String>> {
        let name = if kind == Kind::RELAY_LIST {
            "r"
        } else {
            "relay"
        };
        let count = self.rng.random_range(1..6);
        (0..count)
            .map(|_| {
                let mut tag = strings([name, &self.relay()]);
                match self.rng.random_range(0..4) {
                    0 if name == "r" => tag.push("read".to_owned()),
                    1 if name == "r" => tag.push("write".to_owned()),
                    _ => {}
                }
                tag
            })
            .collect()
    }

    fn reply(&mut self, kind: Kind) -> (Vec<Vec<String>>, String) {
        let marker = if kind == Kind(42) { "root" } else { "" };
        let mut tags: Vec<_> = self.reference(marker).into_iter().collect();
        tags.push(self.person());
        let bytes = self.rng.random_range(10..300);
        (tags, text::sentence(&mut self.rng, bytes))
    }

    fn addressable(&mut self, kind: Kind) -> (Vec<Vec<String>>, String) {
        // Few identifiers, so that newer versions supersede older ones.
        let identifier = format!("{}-{}", kind.0, self.rng.random_range(0..3));
        let mut tags = vec![strings(["d", &identifier])];
        if kind == Kind(30000) {
            tags.extend((0..self.rng.random_range(1..40)).map(|_| self.person()));
        } else {
            tags.push(strings(["title", text::word(&mut self.rng)]));
            tags.push(strings(["t", text::word(&mut self.rng)]));
        }
        let bytes = self.rng.random_range(50..2_500);
        (tags, text::sentence(&mut self.rng, bytes))
    }

    fn application(&mut self) -> (Vec<Vec<String>>, String) {
        let (param, value) = (text::word(&mut self.rng), text::hex32(&mut self.rng));
        let tags = vec![
            strings(["param", param, &value]),
            strings(["alt", "an application's event"]),
            self.person(),
        ];
        let bytes = self.rng.random_range(20..500);
        (tags, text::sentence(&mut self.rng, bytes))
    }

    fn person(&mut self) -> Vec<String> {
        let index = self.rng.random_range(0..self.authors.len());
        vec!["p".to_owned(), self.authors[index].pubkey().to_hex()]
    }

    fn relay(&mut self) -> String {
        self.relays
            .choose(&mut self.rng)
            .expect("never empty")
            .clone()
    }

    fn reference(&mut self, marker: &str) -> Option<Vec<String>> {
        let index = self.rng.random_range(0..self.recent.len().max(1));
        let id = self.recent.get(index)?.1.id().to_hex();
        let mut tag = vec!["e".to_owned(), id];
        if !marker.is_empty() {
            tag.extend([self.relay(), marker.to_owned()]);
        }
        Some(tag)
    }
}

/// A tag.
pub(super) fn strings<const N: usize>(parts: [&str; N]) -> Vec<String> {
    parts.map(str::to_owned).to_vec()
}
