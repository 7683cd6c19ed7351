//! What is written again and again: the first lines say everything, the rest is counted.
//!
//! A store that is away, or a client that goes on asking, would fill the disk with one sentence. Lines of one place in
//! the code and one service are written so many times in a while; how many were left out is said afterwards. Only
//! warnings and errors: stages end seldom, and who wants every relay or message gets it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tracing::Level;

/// Lines of one kind that are written …
const BURST: u32 = 20;

/// … within this time of the first of them.
const WINDOW: Duration = Duration::from_secs(60);

/// What makes two lines the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    /// The place in the code, as tracing names it: `event src/x.rs:7`.
    pub(super) place: &'static str,
    /// The service it spoke for.
    pub(super) service: String,
}

/// Lines that were left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) level: Level,
    pub(super) service: String,
    pub(super) message: String,
    pub(super) count: u64,
}

/// How often each kind was written lately. There are as many kinds as places in the code.
#[derive(Debug, Default)]
pub(super) struct Repeats(HashMap<Kind, Spell>);

#[derive(Debug)]
struct Spell {
    since: Instant,
    written: u32,
    left_out: u64,
    level: Level,
    message: String,
}

impl Repeats {
    /// Whether a line is to be written.
    pub(super) fn admit(&mut self, kind: Kind, level: Level, message: &str, now: Instant) -> bool {
        if level > Level::WARN {
            return true;
        }
        let spell = self.0.entry(kind).or_insert_with(|| Spell {
            since: now,
            written: 0,
            left_out: 0,
            level,
            message: message.to_owned(),
        });
        let is_admitted = spell.written < BURST;
        spell.written += u32::from(is_admitted);
        spell.left_out += u64::from(!is_admitted);
        is_admitted
    }

    /// Ends what began long enough ago, and says what was left out of it.
    pub(super) fn end(&mut self, now: Instant) -> Vec<LeftOut> {
        let is_over = |_: &Kind, spell: &mut Spell| now.duration_since(spell.since) >= WINDOW;
        let over = self.0.extract_if(is_over);
        let left_out = over.filter(|(_, spell)| spell.left_out > 0);
        left_out
            .map(|(kind, spell)| LeftOut {
                level: spell.level,
                service: kind.service,
                message: spell.message,
                count: spell.left_out,
            })
            .collect()
    }
}
