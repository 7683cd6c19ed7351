/*
 * Purpose:    Find the keys under which events are stored. An event is in its own slot or, when another id has that,
 *             nearby.
 * Parameters: eids, the keys that the events want; ids
 * Result:     the key of each event, in order, NULL for what is not stored
 * Caller:     EventStore::known, event_place, event_write
 * Index:      primary key of event, in one partition for each event. Not event_by_id: ids are scattered over all of
 *             an index, while what is asked for together lies together in time. That is why the id is compared
 *             as an expression, and why bitmaps, which pay off for many rows, are off
 */
CREATE OR REPLACE FUNCTION event_known(eids BIGINT[], ids BYTEA[]) RETURNS BIGINT[]
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN ARRAY(
        SELECT e.eid
        FROM unnest(eids, ids) WITH ORDINALITY AS u (eid, id, place)
        LEFT JOIN event AS e ON substr(e.id, 1) = u.id
            AND e.eid BETWEEN least(u.eid, (u.eid | 1073741823) - 15)
                AND least(u.eid, (u.eid | 1073741823) - 15) + 15
        ORDER BY u.place
    );
END
$$;
