//! NIP-45: whether the relay counts, and rightly. What is counted is the one event of an id, which costs
//! the relay next to nothing.

use nips::{EventId, Filter};

use super::exchange::Exchange;
use super::interview::Interview;
use super::verdict::Verdict;
use crate::net::RelayMessage;

/// Counts an event that the relay holds, or one that nobody has.
pub(super) async fn probe(interview: &mut Interview<'_>, known: Option<EventId>) -> Verdict {
    let filter = Filter {
        ids: Some(vec![known.unwrap_or_else(|| EventId(rand::random()))]),
        ..Filter::default()
    };
    let id = interview.unused_id();
    let message = format!(r#"["COUNT","{id}",{}]"#, filter.to_json());
    let is_last = |message: &RelayMessage<'_>| match message {
        RelayMessage::Count { sub, .. } | RelayMessage::Closed { sub, .. } => *sub == id,
        _ => false,
    };
    let exchange = interview.ask(vec![message], is_last).await;
    judge(&exchange, &id, u64::from(known.is_some()))
}

fn judge(exchange: &Exchange, id: &str, expected: u64) -> Verdict {
    let counted = exchange.messages().find_map(|message| match message {
        RelayMessage::Count {
            sub,
            count,
            approximate,
        } if sub == id => Some((count, approximate)),
        _ => None,
    });
    match counted {
        Some((count, _)) if count == expected => Verdict::yes("counts rightly"),
        Some((_, true)) => Verdict::yes("counts, and says that it estimates"),
        Some((count, false)) => {
            let reason = format!("counts {count} where there is {expected}");
            Verdict {
                measured: Some(count),
                ..Verdict::no(reason)
            }
        }
        None => match exchange.puzzlement(id) {
            Some(text) => Verdict::no(format!("does not know COUNT: {text}")),
            None => Verdict::untestable(exchange.shortfall(id)),
        },
    }
}

#[cfg(test)]
mod tests {
    use nips::nip66::Observed;

    use super::super::exchange::tests::{mumbled, said};
    use super::*;

    #[test]
    fn counts_and_their_absence() {
        for (reply, observed) in [
            (r#"["COUNT","c",{"count":1}]"#, Observed::Yes),
            (
                r#"["COUNT","c",{"count":3,"approximate":true}]"#,
                Observed::Yes,
            ),
            (r#"["COUNT","c",{"count":0}]"#, Observed::No),
            (r#"["COUNT","c",{"count":1000}]"#, Observed::No),
            (r#"["CLOSED","c","unsupported: no"]"#, Observed::No),
            (r#"["CLOSED","c","restricted: no"]"#, Observed::Untestable),
            (r#"["CLOSED","c","error: busy"]"#, Observed::Untestable),
        ] {
            assert_eq!(judge(&said(&[reply]), "c", 1).observed, observed, "{reply}");
        }
        let notice = r#"["NOTICE","ERROR: bad msg: unknown cmd"]"#;
        assert_eq!(judge(&mumbled(&[notice]), "c", 1).observed, Observed::No);
        let welcome = r#"["NOTICE","welcome"]"#;
        let silent = [mumbled(&[]), mumbled(&[welcome])];
        for exchange in silent {
            assert_eq!(judge(&exchange, "c", 1).observed, Observed::Untestable);
        }
    }
}
