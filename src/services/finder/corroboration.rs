//! URLs that were named, but not often enough yet: hints are cheap, so several people have to give the same.

use std::collections::HashMap;

/// URLs of one generation. Two generations are kept, the younger fills up, then the older is forgotten: a
/// URL that is named again lives on, and a flood pushes out what nobody names.
const GENERATION: usize = 1 << 15;

/// One naming that was not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hint {
    /// Hash of the author, who counts once for a URL.
    pub author: u64,
    /// What it was named by.
    pub source: &'static str,
    /// What it counts.
    pub weight: u32,
    /// Unix seconds.
    pub named_at: u64,
}

/// Namings by URL, for which a hash stands.
#[derive(Debug, Default)]
pub(super) struct Corroboration {
    young: HashMap<u64, Vec<Hint>>,
    old: HashMap<u64, Vec<Hint>>,
}

impl Corroboration {
    /// Adds a naming. Returns all namings of the URL once they weigh `min_weight` together.
    pub(super) fn add(&mut self, url: u64, hint: Hint, min_weight: u32) -> Option<&[Hint]> {
        if !self.young.contains_key(&url) {
            if self.young.len() >= GENERATION {
                self.old = std::mem::take(&mut self.young);
            }
            let hints = self.old.remove(&url).unwrap_or_default();
            self.young.insert(url, hints);
        }
        let hints = self.young.entry(url).or_default();
        let weigh = |hints: &[Hint]| hints.iter().map(|hint| hint.weight).sum::<u32>();
        let is_news = hints.iter().all(|known| known.author != hint.author);
        if is_news && weigh(hints) < min_weight {
            hints.push(hint);
        }
        (weigh(hints) >= min_weight).then_some(hints)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(author: u64) -> Hint {
        Hint {
            author,
            source: "hint",
            weight: 1,
            named_at: author,
        }
    }

    #[test]
    fn different_authors_add_up() {
        let mut corroboration = Corroboration::default();
        let enough = |corroboration: &mut Corroboration, author| {
            let hints = corroboration.add(7, hint(author), 3);
            hints.map(<[Hint]>::len)
        };
        let said = [1, 1, 2, 1, 2].map(|author| enough(&mut corroboration, author));
        assert_eq!(said, [None; 5]);
        assert_eq!(enough(&mut corroboration, 3), Some(3));
        assert_eq!(
            enough(&mut corroboration, 4),
            Some(3),
            "and it stays bounded"
        );
    }

    #[test]
    fn a_flood_pushes_out_what_nobody_names() {
        let mut corroboration = Corroboration::default();
        for url in [1, 2] {
            corroboration.add(url, hint(1), 2);
        }
        let one_generation = GENERATION as u64;
        for url in 10..10 + one_generation {
            corroboration.add(url, hint(1), 2);
        }
        assert!(corroboration.add(1, hint(2), 2).is_some(), "was remembered");
        for url in 10 + one_generation..10 + 3 * one_generation {
            corroboration.add(url, hint(1), 2);
        }
        assert!(corroboration.add(2, hint(2), 2).is_none(), "was forgotten");
        assert!(corroboration.young.len() + corroboration.old.len() <= 2 * GENERATION);
    }
}
