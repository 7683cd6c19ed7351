-- Events by author and relay, with how many kinds and when; an event counts on each relay where it was seen. Every pair,
-- as in the seed, and always as of the last fold: it is as large as it is, so nothing copies it.
--
-- Caller: people. Reads author_relay_counter whole; by pubkey author_counter_by_text and its primary key, by relay_url
-- author_relay_counter_by_relay.
CREATE OR REPLACE VIEW pubkey_counts_by_relay AS
SELECT encode(a.pubkey, 'hex') COLLATE "C" AS pubkey, r.url AS relay_url, c.events::BIGINT AS event_count,
    c.kinds AS unique_kinds, c.first_created_at AS first_event_timestamp, c.last_created_at AS last_event_timestamp
FROM author_relay_counter c
JOIN author_counter a ON a.author_id = c.author_id
JOIN relay r ON r.relay_id = c.relay_id;
COMMENT ON VIEW pubkey_counts_by_relay IS 'Authors on relays, as of the last fold';
