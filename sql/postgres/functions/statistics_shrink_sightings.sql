-- After a removal: counts down authors on relays, notes in fold_step which kinds are gone there, deletes their
-- counters, and looks up the first and last event of those that lost theirs. As to the bounds, see
-- statistics_shrink_events.
--
-- Caller: statistics_fold_sightings. Indexes: primary keys, event_by_author.
CREATE OR REPLACE FUNCTION statistics_shrink_sightings() RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    UPDATE author_relay_kind_counter c
    SET events = c.events + least(f.events, 0),
        first_created_at = least(c.first_created_at, f.first_created_at),
        last_created_at = greatest(c.last_created_at, f.last_created_at)
    FROM pg_temp.fold_sighting f
    WHERE f.first_removed_at IS NOT NULL AND f.events <= 0
        AND c.author_id = f.author_id AND c.relay_id = f.relay_id AND c.kind = f.kind;
    WITH gone AS (
        DELETE FROM author_relay_kind_counter c USING pg_temp.fold_sighting f
        WHERE f.first_removed_at IS NOT NULL
            AND c.author_id = f.author_id AND c.relay_id = f.relay_id AND c.kind = f.kind AND c.events = 0
        RETURNING c.author_id, c.relay_id, c.kind
    )
    INSERT INTO pg_temp.fold_step SELECT g.author_id, g.relay_id, g.kind, -1 FROM gone g;
    UPDATE author_relay_kind_counter c
    SET first_created_at = coalesce(b.first, c.first_created_at), last_created_at = coalesce(b.last, c.last_created_at)
    FROM pg_temp.fold_sighting f
    JOIN author_counter w ON w.author_id = f.author_id
    JOIN author_relay_kind_counter o
        ON o.author_id = f.author_id AND o.relay_id = f.relay_id AND o.kind = f.kind
    CROSS JOIN LATERAL (
        SELECT min(e.eid) >> 30 AS first, max(e.eid) >> 30 AS last
        FROM event e
        JOIN event_relay r ON r.eid = e.eid AND r.relay_id = f.relay_id
        WHERE e.pubkey = w.pubkey AND e.kind = f.kind
    ) AS b
    WHERE f.first_removed_at IS NOT NULL
        AND (f.first_removed_at <= o.first_created_at OR f.last_removed_at >= o.last_created_at)
        AND c.author_id = f.author_id AND c.relay_id = f.relay_id AND c.kind = f.kind;
END
$$;
