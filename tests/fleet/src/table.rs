//! The fleet as a table on the terminal.

use std::io::{IsTerminal, stdout};

use fleet::{Fleet, Member};

const BOLD: &str = "\x1b[1m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

/// Longest URL that is printed whole; overlay names are longer and lose their middle.
const MAX_URL: usize = 44;

/// Prints one line for each member and the sums below.
pub(crate) fn print(fleet: &Fleet) {
    let paint = Paint {
        is_on: stdout().is_terminal(),
    };
    let head = format!(
        "{:<44}  {:<4}  {:<22}  {:<24}  {:>6}",
        "relay", "row", "behaviour", "NIP-11 and TLS", "events"
    );
    println!("{}", paint.with(BOLD, &head));
    for member in fleet.members() {
        println!("{}", line(member, &paint));
    }
    let promotable = fleet.promotable_urls().len();
    println!(
        "\n{} relays, {promotable} of them speak Nostr and can be reached; {} events, {} of them must end \
         up in an archive.",
        fleet.members().len(),
        fleet.events().len(),
        fleet.union_of_valid_events().len(),
    );
}

fn line(member: &Member, paint: &Paint) -> String {
    let plan = member.plan();
    let colour = match (member.is_promotable(), plan.row) {
        (true, "") => GREEN,
        (true, _) => YELLOW,
        (false, _) => RED,
    };
    let behaviour = paint.with(colour, &format!("{:<22}", plan.behaviour.name()));
    let url = shorten(member.url().as_str());
    let (row, oddity) = (plan.row, oddity(member));
    let events = member.holds().len();
    format!("{url:<44}  {row:<4}  {behaviour}  {oddity:<24}  {events:>6}")
}

fn oddity(member: &Member) -> String {
    use fleet::{Access, Certificate};
    let certificate = match &member.plan().access {
        Access::Tls(Certificate::SelfSigned) => "self-signed",
        Access::Tls(Certificate::Expired) => "expired",
        Access::Tls(Certificate::NotYetValid) => "not yet valid",
        Access::Tls(Certificate::WrongName) => "wrong name",
        Access::Dns(addresses) => return format!("resolves to {}", addresses[0]),
        _ => "",
    };
    format!("{}{certificate}", member.plan().information.name())
}

fn shorten(url: &str) -> String {
    if url.len() <= MAX_URL {
        return url.to_owned();
    }
    // Overlay URLs are ASCII.
    let (head, tail) = (&url[..MAX_URL - 15], &url[url.len() - 14..]);
    format!("{head}…{tail}")
}

struct Paint {
    is_on: bool,
}

impl Paint {
    fn with(&self, colour: &str, text: &str) -> String {
        match self.is_on {
            true => format!("{colour}{text}{PLAIN}"),
            false => text.to_owned(),
        }
    }
}
