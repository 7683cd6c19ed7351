-- Every relay with what was seen there, the averages of its last ten round trips, and what it says it is (NIP-11).
--
-- Caller: people. Indexes: primary keys of relay_counter, relay_rtt and relay_metadata.
CREATE MATERIALIZED VIEW relay_stats AS
SELECT r.url AS relay_url, r.network, r.discovered_at,
    c.first_created_at AS first_event_timestamp, c.last_created_at AS last_event_timestamp,
    t.avg_rtt_open, t.avg_rtt_read, t.avg_rtt_write,
    coalesce(c.events, 0) AS event_count, coalesce(c.authors, 0) AS unique_pubkeys,
    coalesce(c.kinds, 0) AS unique_kinds,
    n.name AS nip11_name, n.software AS nip11_software, n.version AS nip11_version
FROM relay r
LEFT JOIN relay_counter c ON c.relay_id = r.relay_id
LEFT JOIN nip11_latest n ON n.relay_id = r.relay_id
CROSS JOIN LATERAL (
    SELECT round(avg(s.open_ms), 2) AS avg_rtt_open, round(avg(s.read_ms), 2) AS avg_rtt_read,
        round(avg(s.write_ms), 2) AS avg_rtt_write
    FROM (
        SELECT s.open_ms, s.read_ms, s.write_ms FROM relay_rtt s
        WHERE s.relay_id = r.relay_id ORDER BY s.checked_at DESC LIMIT 10
    ) AS s
) AS t
ORDER BY r.url COLLATE "C";
CREATE UNIQUE INDEX relay_stats_key ON relay_stats (relay_url);
CREATE INDEX relay_stats_by_network ON relay_stats (network);
COMMENT ON MATERIALIZED VIEW relay_stats IS 'Every relay, as of the last refresh';
