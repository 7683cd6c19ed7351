-- Networks: their relays, and the different events, authors and kinds seen there.
--
-- Caller: people. Reads relay and network_counter whole.
CREATE MATERIALIZED VIEW network_stats AS
SELECT r.network, r.relays AS relay_count,
    coalesce(c.events, 0) AS event_count, coalesce(c.authors, 0) AS unique_pubkeys, coalesce(c.kinds, 0) AS unique_kinds
FROM (SELECT r.network, count(*) AS relays FROM relay r GROUP BY r.network) AS r
LEFT JOIN network_counter c ON c.network = r.network;
CREATE UNIQUE INDEX network_stats_key ON network_stats (network);
COMMENT ON MATERIALIZED VIEW network_stats IS 'Networks, as of the last refresh';
