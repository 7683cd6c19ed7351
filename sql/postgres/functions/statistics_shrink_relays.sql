-- After a removal: deletes the counters of kinds on relays and of relays that fell to zero, and looks up the first
-- and last event of relays that lost theirs. As to the bounds, see statistics_shrink_events.
--
-- Nothing lists the sightings of a relay, so the next one is found by walking from the lost one inwards: a few
-- thousand entries of an index, unless the relay is small, and never beyond its own time line.
--
-- Caller: statistics_fold_sightings. Index: primary key of event_relay.
CREATE OR REPLACE FUNCTION statistics_shrink_relays() RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off
-- Few rows meet large tables: look-ups by key. The callers prefer otherwise.
SET enable_nestloop = on SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off
AS $$
BEGIN
    DELETE FROM relay_kind_counter c USING pg_temp.fold_sighting f
    WHERE f.first_removed_at IS NOT NULL AND c.relay_id = f.relay_id AND c.kind = f.kind AND c.events = 0;
    DELETE FROM relay_counter c USING pg_temp.fold_sighting f
    WHERE f.first_removed_at IS NOT NULL AND c.relay_id = f.relay_id AND c.events = 0;
    UPDATE relay_counter c
    SET first_created_at = coalesce(first.created_at, c.first_created_at),
        last_created_at = coalesce(last.created_at, c.last_created_at)
    FROM (
        SELECT f.relay_id, min(f.first_removed_at) AS first, max(f.last_removed_at) AS last
        FROM pg_temp.fold_sighting f WHERE f.first_removed_at IS NOT NULL GROUP BY f.relay_id
    ) AS f
    JOIN relay_counter o ON o.relay_id = f.relay_id
    LEFT JOIN LATERAL (
        SELECT r.eid >> 30 AS created_at FROM event_relay r
        WHERE f.first <= o.first_created_at AND r.relay_id = f.relay_id
            AND r.eid >= o.first_created_at << 30 AND r.eid < (o.last_created_at + 1) << 30
        ORDER BY r.eid LIMIT 1
    ) AS first ON true
    LEFT JOIN LATERAL (
        SELECT r.eid >> 30 AS created_at FROM event_relay r
        WHERE f.last >= o.last_created_at AND r.relay_id = f.relay_id
            AND r.eid >= o.first_created_at << 30 AND r.eid < (o.last_created_at + 1) << 30
        ORDER BY r.eid DESC LIMIT 1
    ) AS last ON true
    WHERE c.relay_id = f.relay_id;
END
$$;
