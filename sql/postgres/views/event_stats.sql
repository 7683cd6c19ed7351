-- The archive in one row. The last hour, day, week and month end at the refresh and count by created_at; what is dated
-- later is in none of them.
--
-- Caller: people. Reads kind_counter whole, a row a kind; primary key of event from both ends.
CREATE MATERIALIZED VIEW event_stats AS
SELECT 1 AS singleton_key, k.event_count, h.authors AS unique_pubkeys, k.unique_kinds,
    t.earliest AS earliest_event_timestamp, t.latest AS latest_event_timestamp,
    k.regular_event_count, k.replaceable_event_count, k.ephemeral_event_count, k.addressable_event_count,
    events_within(n.now - 3599, n.now) AS event_count_last_1h,
    events_within(n.now - 86399, n.now) AS event_count_last_24h,
    events_within(n.now - 7 * 86400 + 1, n.now) AS event_count_last_7d,
    events_within(n.now - 30 * 86400 + 1, n.now) AS event_count_last_30d,
    round(k.event_count / greatest(1, (t.latest - t.earliest) / 86400.0), 2) AS events_per_day
FROM statistics_head h
CROSS JOIN (
    SELECT coalesce(sum(c.events), 0)::BIGINT AS event_count, count(*) AS unique_kinds,
        coalesce(sum(c.events) FILTER (WHERE kind_category(c.kind) = 'regular'), 0)::BIGINT
            AS regular_event_count,
        coalesce(sum(c.events) FILTER (WHERE kind_category(c.kind) = 'replaceable'), 0)::BIGINT
            AS replaceable_event_count,
        coalesce(sum(c.events) FILTER (WHERE kind_category(c.kind) = 'ephemeral'), 0)::BIGINT
            AS ephemeral_event_count,
        coalesce(sum(c.events) FILTER (WHERE kind_category(c.kind) = 'addressable'), 0)::BIGINT
            AS addressable_event_count
    FROM kind_counter c
) AS k
CROSS JOIN (
    SELECT (SELECT e.eid >> 30 FROM event e ORDER BY e.eid LIMIT 1) AS earliest,
        (SELECT e.eid >> 30 FROM event e ORDER BY e.eid DESC LIMIT 1) AS latest
) AS t
CROSS JOIN (SELECT floor(extract(epoch FROM now()))::BIGINT AS now) AS n;
CREATE UNIQUE INDEX event_stats_key ON event_stats (singleton_key);
COMMENT ON MATERIALIZED VIEW event_stats IS 'The archive in one row, as of the last refresh';
