//! What each view must hold, in plain SQL over the tables: no counters, nothing incremental.

use sqlx::PgConnection;

use super::rows;

/// A view, its columns, and the query that computes them.
const VIEWS: [(&str, &str); 8] = [
    (
        "SELECT event_count, unique_pubkeys, unique_kinds, earliest_event_timestamp,
            latest_event_timestamp, regular_event_count, replaceable_event_count,
            ephemeral_event_count, addressable_event_count, event_count_last_1h,
            event_count_last_24h, event_count_last_7d, event_count_last_30d, events_per_day
        FROM event_stats",
        "SELECT count(*), count(DISTINCT pubkey), count(DISTINCT kind),
            min(eid >> 30), max(eid >> 30),
            count(*) FILTER (WHERE kind IN (1, 2) OR kind BETWEEN 4 AND 44
                OR kind BETWEEN 1000 AND 9999),
            count(*) FILTER (WHERE kind IN (0, 3) OR kind BETWEEN 10000 AND 19999),
            count(*) FILTER (WHERE kind BETWEEN 20000 AND 29999),
            count(*) FILTER (WHERE kind BETWEEN 30000 AND 39999),
            count(*) FILTER (WHERE to_timestamp(eid >> 30) BETWEEN now() - INTERVAL '1 hour' AND now()),
            count(*) FILTER (WHERE to_timestamp(eid >> 30) BETWEEN now() - INTERVAL '24 hours' AND now()),
            count(*) FILTER (WHERE to_timestamp(eid >> 30) BETWEEN now() - INTERVAL '168 hours' AND now()),
            count(*) FILTER (WHERE to_timestamp(eid >> 30) BETWEEN now() - INTERVAL '720 hours' AND now()),
            round(count(*) / greatest(1, (max(eid >> 30) - min(eid >> 30)) / 86400.0), 2)
        FROM event",
    ),
    (
        "SELECT relay_url, network, discovered_at, first_event_timestamp, last_event_timestamp,
            event_count, unique_pubkeys, unique_kinds
        FROM relay_stats",
        "SELECT url, network, discovered_at, min(e.eid >> 30), max(e.eid >> 30),
            count(e.eid), count(DISTINCT e.pubkey), count(DISTINCT e.kind)
        FROM relay
        LEFT JOIN event_relay USING (relay_id)
        LEFT JOIN event e USING (eid)
        GROUP BY url, network, discovered_at",
    ),
    (
        "SELECT kind, event_count, unique_pubkeys FROM kind_counts",
        "SELECT kind, count(*), count(DISTINCT pubkey) FROM event GROUP BY kind",
    ),
    (
        "SELECT kind, relay_url, event_count, unique_pubkeys FROM kind_counts_by_relay",
        "SELECT kind, url, count(*), count(DISTINCT pubkey)
        FROM event JOIN event_relay USING (eid) JOIN relay USING (relay_id)
        GROUP BY kind, url",
    ),
    (
        "SELECT pubkey, event_count, unique_kinds, first_event_timestamp, last_event_timestamp
        FROM pubkey_counts",
        "SELECT encode(pubkey, 'hex'), count(*), count(DISTINCT kind), min(eid >> 30), max(eid >> 30)
        FROM event GROUP BY pubkey",
    ),
    (
        "SELECT pubkey, relay_url, event_count, unique_kinds, first_event_timestamp,
            last_event_timestamp
        FROM pubkey_counts_by_relay",
        "SELECT encode(pubkey, 'hex'), url, count(*), count(DISTINCT kind),
            min(eid >> 30), max(eid >> 30)
        FROM event JOIN event_relay USING (eid) JOIN relay USING (relay_id)
        GROUP BY pubkey, url",
    ),
    (
        "SELECT network, relay_count, event_count, unique_pubkeys, unique_kinds FROM network_stats",
        "SELECT network, count(DISTINCT relay_id), count(DISTINCT e.eid), count(DISTINCT pubkey),
            count(DISTINCT kind)
        FROM relay LEFT JOIN event_relay USING (relay_id) LEFT JOIN event e USING (eid)
        GROUP BY network",
    ),
    (
        "SELECT day, event_count, unique_pubkeys, unique_kinds FROM event_daily_counts",
        "SELECT (to_timestamp(eid >> 30) AT TIME ZONE 'UTC')::date, count(*),
            count(DISTINCT pubkey), count(DISTINCT kind)
        FROM event GROUP BY 1",
    ),
];

/// Compares every view that counts with the tables.
pub(super) async fn assert_views_are_right(connection: &mut PgConnection, when: &str) {
    for (view, plain) in VIEWS {
        let (held, expected) = (rows(connection, view).await, rows(connection, plain).await);
        assert_eq!(held, expected, "{when}: {view}");
    }
}

/// Everything that the counters say, with keys instead of numbers of authors.
pub(super) async fn counted(connection: &mut PgConnection) -> Vec<String> {
    const COUNTERS: [&str; 14] = [
        "SELECT authors FROM statistics_head",
        "SELECT * FROM kind_counter",
        "SELECT * FROM day_counter",
        "SELECT * FROM day_kind_counter",
        "SELECT day, pubkey, c.events FROM day_author_counter c JOIN author_counter USING (author_id)",
        "SELECT pubkey, events, kinds, first_created_at, last_created_at FROM author_counter",
        "SELECT pubkey, kind, c.events
        FROM author_kind_counter c JOIN author_counter USING (author_id)",
        "SELECT pubkey, relay_id, kind, c.events
        FROM author_relay_kind_counter c JOIN author_counter USING (author_id)",
        "SELECT pubkey, relay_id, c.events, c.kinds, c.first_created_at, c.last_created_at
        FROM author_relay_counter c JOIN author_counter USING (author_id)",
        "SELECT * FROM relay_counter",
        "SELECT * FROM relay_kind_counter",
        "SELECT * FROM network_counter",
        "SELECT * FROM network_kind_counter",
        "SELECT pubkey, network, sightings
        FROM author_network_counter JOIN author_counter USING (author_id)",
    ];
    let mut counted = Vec::new();
    for counter in COUNTERS {
        counted.push(counter.to_owned());
        counted.extend(rows(connection, counter).await);
    }
    counted
}
