-- After a removal: counts down authors on relays, notes in fold_author how many are gone from each, deletes their
-- counters, and looks up the first and last event of those that lost theirs. As to the bounds, see
-- statistics_shrink_events.
--
-- Caller: statistics_fold_authors. Index: primary key of author_relay_counter.
CREATE OR REPLACE FUNCTION statistics_shrink_authors() RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off
-- Few rows meet large tables: look-ups by key. The callers prefer otherwise.
SET enable_nestloop = on SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
    UPDATE author_relay_counter c
    SET events = c.events + f.events, kinds = c.kinds + f.kinds,
        first_created_at = least(c.first_created_at, f.first_created_at),
        last_created_at = greatest(c.last_created_at, f.last_created_at)
    FROM pg_temp.fold_pair f
    WHERE f.events <= 0 AND c.author_id = f.author_id AND c.relay_id = f.relay_id;
    WITH gone AS (
        DELETE FROM author_relay_counter c USING pg_temp.fold_pair f
        WHERE f.first_removed_at IS NOT NULL
            AND c.author_id = f.author_id AND c.relay_id = f.relay_id AND c.events = 0
        RETURNING c.relay_id
    )
    INSERT INTO pg_temp.fold_author SELECT g.relay_id, -count(*) FROM gone g GROUP BY g.relay_id;
    -- An author's sightings are read once, however many of the counters lost a bound.
    PERFORM statistics_author_bounds(f.author_id)
    FROM (
        SELECT DISTINCT f.author_id
        FROM pg_temp.fold_pair f
        JOIN author_relay_counter o ON o.author_id = f.author_id AND o.relay_id = f.relay_id
        WHERE f.first_removed_at <= o.first_created_at OR f.last_removed_at >= o.last_created_at
    ) AS f;
END
$$;
