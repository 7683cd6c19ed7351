-- After a removal: counts down kinds of authors on relays, notes in fold_step which are gone there, and deletes their
-- counters.
--
-- Caller: statistics_fold_sightings. Index: primary key of author_relay_kind_counter.
CREATE OR REPLACE FUNCTION statistics_shrink_sightings() RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off
-- Few rows meet large tables: look-ups by key. The callers prefer otherwise.
SET enable_nestloop = on SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
BEGIN
    UPDATE author_relay_kind_counter c SET events = c.events + f.events
    FROM pg_temp.fold_sighting f
    WHERE f.first_removed_at IS NOT NULL AND f.events < 0
        AND c.author_id = f.author_id AND c.relay_id = f.relay_id AND c.kind = f.kind;
    WITH gone AS (
        DELETE FROM author_relay_kind_counter c USING pg_temp.fold_sighting f
        WHERE f.first_removed_at IS NOT NULL
            AND c.author_id = f.author_id AND c.relay_id = f.relay_id AND c.kind = f.kind AND c.events = 0
        RETURNING c.author_id, c.relay_id, c.kind
    )
    INSERT INTO pg_temp.fold_step SELECT g.author_id, g.relay_id, g.kind, -1 FROM gone g;
END
$$;
