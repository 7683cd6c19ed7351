-- Events by author, with how many kinds and when.
--
-- A concurrent refresh sorts whole rows twice to compare them; rows that come in that order cost it almost nothing.
--
-- Caller: people. Reads author_counter whole.
CREATE MATERIALIZED VIEW pubkey_counts AS
SELECT encode(a.pubkey, 'hex') COLLATE "C" AS pubkey, a.events AS event_count, a.kinds AS unique_kinds,
    a.first_created_at AS first_event_timestamp, a.last_created_at AS last_event_timestamp
FROM author_counter a
ORDER BY a.pubkey;
CREATE UNIQUE INDEX pubkey_counts_key ON pubkey_counts (pubkey);
-- For those with the most events.
CREATE INDEX pubkey_counts_by_events ON pubkey_counts (event_count DESC, pubkey);
COMMENT ON MATERIALIZED VIEW pubkey_counts IS 'Authors, as of the last refresh';
