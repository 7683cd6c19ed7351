-- After a removal: deletes the counters of kinds, days and authors that fell to zero, and looks up the first and
-- last event of authors who lost theirs.
--
-- The bounds are those of what is stored now, which may be ahead of the counters. What comes later only widens them
-- to the same, and what goes later has them looked up again.
--
-- Caller: statistics_fold_events. Indexes: primary keys, event_by_author.
CREATE OR REPLACE FUNCTION statistics_shrink_events() RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off
-- Few rows meet large tables: look-ups by key. The callers prefer otherwise.
SET enable_nestloop = on SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
    DELETE FROM author_kind_counter c USING pg_temp.fold_event f
    WHERE f.first_removed_at IS NOT NULL
        AND c.author_id = f.author_id AND c.kind = f.kind AND c.events = 0;
    DELETE FROM day_author_counter c USING pg_temp.fold_event f
    WHERE f.first_removed_at IS NOT NULL
        AND c.day = f.day AND c.author_id = f.author_id AND c.events = 0;
    DELETE FROM day_kind_counter c USING pg_temp.fold_event f
    WHERE f.first_removed_at IS NOT NULL AND c.day = f.day AND c.kind = f.kind AND c.events = 0;
    DELETE FROM day_counter c USING pg_temp.fold_event f
    WHERE f.first_removed_at IS NOT NULL AND c.day = f.day AND c.events = 0;
    DELETE FROM kind_counter c USING pg_temp.fold_event f
    WHERE f.first_removed_at IS NOT NULL AND c.kind = f.kind AND c.events = 0;
    UPDATE author_counter a
    SET first_created_at = coalesce(b.first, a.first_created_at), last_created_at = coalesce(b.last, a.last_created_at)
    FROM (
        SELECT f.author_id, min(f.first_removed_at) AS first, max(f.last_removed_at) AS last
        FROM pg_temp.fold_event f WHERE f.first_removed_at IS NOT NULL GROUP BY f.author_id
    ) AS f
    JOIN author_counter w ON w.author_id = f.author_id
    CROSS JOIN LATERAL (
        -- OFFSET, or the planner walks all events in the order of their keys until it meets the author.
        SELECT min(e.eid) >> 30 AS first, max(e.eid) >> 30 AS last
        FROM (SELECT e.eid FROM event e WHERE e.pubkey = w.pubkey OFFSET 0) AS e
    ) AS b
    WHERE a.author_id = f.author_id AND a.events > 0
        AND (f.first <= a.first_created_at OR f.last >= a.last_created_at);
END
$$;
