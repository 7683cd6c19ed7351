-- Looks up the first and last event of an author on each relay anew.
--
-- Parameters: the author's number. Caller: statistics_shrink_sightings. Indexes: event_by_author, primary keys of
-- event_relay and author_relay_counter.
CREATE OR REPLACE FUNCTION statistics_author_bounds(author INTEGER) RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET enable_nestloop = off SET enable_hashjoin = on SET jit = off
AS $$
DECLARE
    key BYTEA := (SELECT a.pubkey FROM author_counter a WHERE a.author_id = author);
BEGIN
    UPDATE author_relay_counter c SET first_created_at = b.first, last_created_at = b.last
    FROM (
        SELECT r.relay_id, min(e.eid) >> 30 AS first, max(e.eid) >> 30 AS last
        FROM (SELECT e.eid FROM event e WHERE e.pubkey = key OFFSET 0) AS e
        CROSS JOIN LATERAL (SELECT r.relay_id FROM event_relay r WHERE r.eid = e.eid OFFSET 0) AS r
        GROUP BY r.relay_id
    ) AS b
    WHERE c.author_id = author AND c.relay_id = b.relay_id
        AND (c.first_created_at, c.last_created_at) IS DISTINCT FROM (b.first, b.last);
END
$$;
