-- Events and authors by kind and relay; an event counts on each relay where it was seen.
--
-- Caller: people. Reads relay_kind_counter whole, a few hundred rows a relay.
CREATE MATERIALIZED VIEW kind_counts_by_relay AS
SELECT c.kind, r.url AS relay_url, c.events AS event_count, c.authors AS unique_pubkeys
FROM relay_kind_counter c
JOIN relay r ON r.relay_id = c.relay_id
ORDER BY c.kind, r.url COLLATE "C";
CREATE UNIQUE INDEX kind_counts_by_relay_key ON kind_counts_by_relay (kind, relay_url);
CREATE INDEX kind_counts_by_relay_by_relay ON kind_counts_by_relay (relay_url);
COMMENT ON MATERIALIZED VIEW kind_counts_by_relay IS 'Kinds on relays, as of the last refresh';
