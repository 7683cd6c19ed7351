-- Events by author and relay, with how many kinds and when; an event counts on each relay where it was seen. Its rows
-- come in the order in which a concurrent refresh compares them (pubkey_counts), sorted by the places of authors and
-- relays in that order: numbers, which is half the work of sorting by the texts.
--
-- Caller: people. Reads author_relay_kind_counter whole.
CREATE MATERIALIZED VIEW pubkey_counts_by_relay AS
SELECT encode(a.pubkey, 'hex') COLLATE "C" AS pubkey, r.url AS relay_url, c.event_count, c.unique_kinds,
    c.first_event_timestamp, c.last_event_timestamp
FROM (
    SELECT c.author_id, c.relay_id, sum(c.events) AS event_count, count(*)::INTEGER AS unique_kinds,
        min(c.first_created_at) AS first_event_timestamp, max(c.last_created_at) AS last_event_timestamp
    FROM author_relay_kind_counter c
    JOIN (
        SELECT a.author_id, row_number() OVER (ORDER BY a.pubkey) AS place FROM author_counter a
    ) AS a ON a.author_id = c.author_id
    JOIN (
        SELECT r.relay_id, row_number() OVER (ORDER BY r.url COLLATE "C") AS place FROM relay r
    ) AS r ON r.relay_id = c.relay_id
    GROUP BY c.author_id, c.relay_id, a.place, r.place
    ORDER BY a.place, r.place
    -- Keeps the texts out of the sort. The joins below keep its order; if they ever did not, it would only be slow.
    OFFSET 0
) AS c
JOIN author_counter a ON a.author_id = c.author_id
JOIN relay r ON r.relay_id = c.relay_id;
CREATE UNIQUE INDEX pubkey_counts_by_relay_key ON pubkey_counts_by_relay (pubkey, relay_url);
CREATE INDEX pubkey_counts_by_relay_by_relay ON pubkey_counts_by_relay (relay_url);
COMMENT ON MATERIALIZED VIEW pubkey_counts_by_relay IS 'Authors on relays, as of the last refresh';
