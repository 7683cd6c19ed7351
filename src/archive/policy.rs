//! What each door asks of an event beyond being one.
//!
//! The crawler archives what relays serve and lets the store hide what must not be served again. A
//! client of our relay is told what is wrong with its event.

use nips::nip40::Expiration;
use nips::{Event, EventRef, Kind, nip13, nip70};

use super::{ArchiveSettings, Door, Rejection};
use crate::store::events::{MAX_CREATED_AT, Refusal};

/// The shortest tag, `[],`: text shorter than this many bytes a tag cannot hold more tags.
const MIN_TAG_BYTES: usize = 3;

/// Checks a parsed event against the rules of the door at `now` unix seconds; its signature is
/// still unknown.
pub(super) fn check(
    event: &Event,
    door: &Door,
    settings: &ArchiveSettings,
    now: u64,
) -> Result<(), Rejection> {
    if event.created_at() > MAX_CREATED_AT {
        return Err(Rejection::Store(Refusal::CreatedAtRange));
    }
    if event.kind() == Kind::CLIENT_AUTH {
        return Err(Rejection::ClientAuth);
    }
    let event = event.as_ref();
    check_tag_count(&event, settings.max_tags)?;
    match door {
        Door::Client { .. } => check_client(&event, door, settings, now),
        Door::Crawl(_) | Door::Import(_) | Door::Own => Ok(()),
    }
}

fn check_tag_count(event: &EventRef<'_>, max_tags: usize) -> Result<(), Rejection> {
    let may_have_too_many = event.tags_json.len() / MIN_TAG_BYTES > max_tags;
    if may_have_too_many && event.tags().len() > max_tags {
        return Err(Rejection::TooManyTags(max_tags));
    }
    Ok(())
}

fn check_client(
    event: &EventRef<'_>,
    door: &Door,
    settings: &ArchiveSettings,
    now: u64,
) -> Result<(), Rejection> {
    let max_ahead = settings.max_created_at_ahead;
    if event.created_at > now.saturating_add(max_ahead) {
        return Err(Rejection::CreatedAtAhead(max_ahead));
    }
    let tags = event.tags();
    let wanted = settings.min_difficulty;
    // Whoever wants to be forgotten need not work for it (NIP-62).
    if event.kind != Kind::REQUEST_TO_VANISH && !nip13::is_difficult(&event.id, &tags, wanted) {
        return Err(Rejection::Difficulty(wanted));
    }
    match Expiration::of(&tags) {
        Expiration::Unreadable => return Err(Rejection::ExpirationFormat),
        expiration if expiration.is_past(now) => return Err(Rejection::Expired),
        Expiration::Never | Expiration::At(_) => {}
    }
    if nip70::is_protected(&tags) && !is_authenticated(door, event) {
        return Err(Rejection::Protected);
    }
    if nip70::reposts_protected(event) {
        return Err(Rejection::EmbedsProtected);
    }
    Ok(())
}

fn is_authenticated(door: &Door, event: &EventRef<'_>) -> bool {
    matches!(door, Door::Client { authenticated } if authenticated.contains(&event.pubkey))
}

#[cfg(test)]
mod tests {
    use nips::event::UnsignedEvent;
    use nips::{PublicKey, Signature};

    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn event(kind: u16, created_at: u64, tags: &[&[&str]], content: &str) -> Event {
        let tag = |tag: &&[&str]| tag.iter().map(|&text| text.to_owned()).collect();
        let draft = UnsignedEvent {
            pubkey: PublicKey([7; 32]),
            created_at,
            kind: Kind(kind),
            tags: tags.iter().map(tag).collect(),
            content: content.to_owned(),
        };
        Event::from_parts(draft.id(), &draft, Signature([0; 64])).unwrap()
    }

    fn client(event: &Event) -> Option<&'static str> {
        let door = Door::Client {
            authenticated: Vec::new(),
        };
        let verdict = check(event, &door, &ArchiveSettings::default(), NOW);
        verdict.err().map(|rejection| rejection.reason())
    }

    fn crawl(event: &Event) -> Option<&'static str> {
        let door = Door::Import(None);
        let verdict = check(event, &door, &ArchiveSettings::default(), NOW);
        verdict.err().map(|rejection| rejection.reason())
    }

    #[test]
    fn clients_are_told_what_the_crawler_lets_pass() {
        let protected = r#"{"id":"x","tags":[["e","1"],["-"]]}"#;
        for (event, reason) in [
            (event(1, NOW + 901, &[], ""), "created_at-ahead"),
            (
                event(1, NOW, &[&["expiration", "1700000000"]], ""),
                "expired",
            ),
            (
                event(1, NOW, &[&["expiration", "soon"]], ""),
                "expiration-format",
            ),
            (event(1, NOW, &[&["-"]], ""), "protected"),
            (event(6, NOW, &[], protected), "embeds-protected"),
            (event(16, NOW, &[], protected), "embeds-protected"),
        ] {
            assert_eq!(client(&event), Some(reason));
            assert_eq!(crawl(&event), None, "{reason}");
        }
        for event in [
            event(1, NOW + 900, &[&["expiration", "1700000001"]], ""),
            event(1, NOW, &[], protected),
            event(6, NOW, &[], "not JSON"),
            event(6, NOW, &[], r#"{"tags":[["e","-"]]}"#),
        ] {
            assert_eq!(client(&event), None);
        }
    }

    #[test]
    fn the_author_may_publish_what_is_protected() {
        let event = event(1, NOW, &[&["-"]], "");
        let door = Door::Client {
            authenticated: vec![event.pubkey()],
        };
        let verdict = check(&event, &door, &ArchiveSettings::default(), NOW);
        assert_eq!(verdict, Ok(()));
    }

    #[test]
    fn some_things_pass_no_door() {
        let tags = vec![&["t"][..]; 10_001];
        for (event, reason) in [
            (event(22_242, NOW, &[], ""), "client-auth"),
            (event(1, 1_725_194_263_529, &[], ""), "created_at-range"),
            (event(1, NOW, &tags, ""), "too-many-tags"),
        ] {
            assert_eq!(client(&event), Some(reason));
            assert_eq!(crawl(&event), Some(reason));
        }
    }
}
