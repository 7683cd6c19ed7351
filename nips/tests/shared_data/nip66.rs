//! 19 real events of four monitors, most of them in the forms of drafts.

use nips::nip66::{Check, MonitorAnnouncement, RelayDiscovery};
use nips::relay_url::LocalRelays;
use nips::{Event, Kind};

use crate::shared;

fn read(name: &str) -> Option<Event> {
    let path = shared(&format!("nip66/{name}"))?;
    let json = std::fs::read_to_string(path).expect(name);
    Some(Event::from_json(&json).expect(name))
}

fn discovery(name: &str) -> Option<RelayDiscovery> {
    let event = read(name)?;
    Some(RelayDiscovery::parse(&event.as_ref(), LocalRelays::Refused).expect(name))
}

#[test]
fn every_event_is_read() {
    let Some(folder) = shared("nip66") else {
        return;
    };
    for entry in std::fs::read_dir(folder).expect("the folder is readable") {
        let name = entry.expect("the folder is readable").file_name();
        let name = name.to_string_lossy();
        let Some(event) = name.ends_with(".json").then(|| read(&name)).flatten() else {
            continue;
        };
        if event.kind() == Kind::MONITOR_ANNOUNCEMENT {
            assert!(MonitorAnnouncement::parse(&event.as_ref()).is_some());
        } else {
            RelayDiscovery::parse(&event.as_ref(), LocalRelays::Refused).expect(&name);
        }
    }
}

#[test]
fn an_announcement_of_nostr_watch_is_read() {
    let Some(event) = read("10166-monitor-dcc56a6b.json") else {
        return;
    };
    let announcement = MonitorAnnouncement::parse(&event.as_ref()).expect("it is an announcement");
    assert_eq!(announcement.frequency.map(|it| it.as_secs()), Some(3600));
    assert_eq!(announcement.geohash.as_deref(), Some("u0yjjee20"));
    assert_eq!(announcement.checks.len(), 7);
    assert_eq!(announcement.timeouts.len(), 3);
    assert!(
        announcement
            .timeouts
            .iter()
            .all(|it| it.timeout.as_secs() == 30)
    );
    assert_eq!(announcement.timeouts[0].check, Some(Check::Open));
}

#[test]
fn drafts_hold_what_today_s_events_hold() {
    let Some(old) = discovery("30066-relay-plebes-fans-6ade1873.json") else {
        return;
    };
    assert_eq!(
        (old.rtt.open.ms(), old.rtt.write.ms()),
        (Some(174), Some(81))
    );
    assert_eq!(old.nips.len(), 12);
    assert_eq!(old.net.and_then(|net| net.asn), Some(199_654));
    let geo = old.geo.expect("it has a place");
    assert_eq!(
        (geo.country.as_deref(), geo.geohash.as_deref()),
        (Some("NL"), Some("u1h3d15pc"))
    );
    let information = old.information.expect("it has a document");
    assert_eq!(information.name.as_deref(), Some("relay.plebes.fans"));

    let Some(newer) = discovery("30166-relay-weloveit-info-0b44170d.json") else {
        return;
    };
    assert_eq!(newer.requirements.auth, Some(false));
    let geo = newer.geo.expect("it has a place");
    assert_eq!(
        (geo.country.as_deref(), geo.geohash.as_deref()),
        (Some("FR"), Some("u1422u57b"))
    );
}
