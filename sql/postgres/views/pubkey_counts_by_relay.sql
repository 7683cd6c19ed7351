-- Events by author and relay, with how many kinds and when; an event counts on each relay where it was seen. Its rows
-- come in the order in which a concurrent refresh compares them (pubkey_counts).
--
-- Caller: people. Reads author_relay_kind_counter whole.
CREATE MATERIALIZED VIEW pubkey_counts_by_relay AS
SELECT encode(a.pubkey, 'hex') COLLATE "C" AS pubkey, r.url AS relay_url, c.event_count, c.unique_kinds,
    c.first_event_timestamp, c.last_event_timestamp
FROM (
    SELECT c.author_id, c.relay_id, sum(c.events) AS event_count, count(*) AS unique_kinds,
        min(c.first_created_at) AS first_event_timestamp, max(c.last_created_at) AS last_event_timestamp
    FROM author_relay_kind_counter c
    GROUP BY c.author_id, c.relay_id
) AS c
JOIN author_counter a ON a.author_id = c.author_id
JOIN relay r ON r.relay_id = c.relay_id
ORDER BY a.pubkey, r.url COLLATE "C";
CREATE UNIQUE INDEX pubkey_counts_by_relay_key ON pubkey_counts_by_relay (pubkey, relay_url);
CREATE INDEX pubkey_counts_by_relay_by_relay ON pubkey_counts_by_relay (relay_url);
COMMENT ON MATERIALIZED VIEW pubkey_counts_by_relay IS 'Authors on relays, as of the last refresh';
