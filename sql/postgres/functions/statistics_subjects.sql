-- Says whose the events are that changes up to one are about: fold_owner, a row for each event that had the key,
-- from after the removal of the one before (from_change) to its own removal (to_change).
--
-- A removal tells what the event was; so whose an event is, is known from the first removal that is still to be
-- counted, or else from the event itself. Both are read in one snapshot: between two, the event might go.
--
-- Parameters: the last change. Caller: statistics_take. Indexes: primary keys of event_change and event.
CREATE OR REPLACE FUNCTION statistics_subjects(until BIGINT) RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
-- Look-ups are written as laterals; everything else is two sets of the same size.
SET enable_nestloop = off SET work_mem = '64MB' SET jit = off
AS $$
BEGIN
    CREATE TEMPORARY TABLE fold_owner (
        eid BIGINT, from_change BIGINT, to_change BIGINT, kind INTEGER, pubkey BYTEA, is_new BOOLEAN
    ) ON COMMIT DROP;
    INSERT INTO pg_temp.fold_owner
    WITH removal AS MATERIALIZED (
        SELECT u.eid, u.kind, u.pubkey, c.change AS to_change,
            lag(c.change, 1, -1::BIGINT) OVER (PARTITION BY u.eid ORDER BY c.change) AS from_change
        FROM event_change c
        CROSS JOIN LATERAL unnest(c.removed, c.removed_kinds, c.removed_pubkeys) AS u (eid, kind, pubkey)
        WHERE cardinality(c.removed) > 0
    ), subject AS MATERIALIZED (
        SELECT f.eid, bool_or(f.relay_id IS NULL) AS is_new
        FROM event_fact f WHERE f.change <= until GROUP BY f.eid ORDER BY f.eid
    )
    SELECT r.eid, r.from_change, r.to_change, r.kind, r.pubkey, false
    FROM removal r JOIN subject s ON s.eid = r.eid
    UNION ALL
    SELECT s.eid, coalesce(r.to_change, -1), 9223372036854775807, e.kind, e.pubkey, s.is_new AND r.to_change IS NULL
    FROM subject s
    LEFT JOIN (SELECT r.eid, max(r.to_change) AS to_change FROM removal r GROUP BY r.eid) AS r ON r.eid = s.eid
    CROSS JOIN LATERAL (SELECT e.kind, e.pubkey FROM event e WHERE e.eid = s.eid OFFSET 0) AS e;
    ANALYZE pg_temp.fold_owner;
    -- Of several events that had one key, those that nothing is to be counted of yet.
    IF EXISTS (SELECT FROM pg_temp.fold_owner o WHERE o.from_change >= 0 OR o.to_change < 9223372036854775807) THEN
        DELETE FROM pg_temp.fold_owner o
        WHERE NOT EXISTS (
            SELECT FROM event_fact f
            WHERE f.eid = o.eid AND f.change > o.from_change AND f.change <= least(o.to_change, until)
        );
    END IF;
END
$$;
