/*
 * Purpose:    Under which keys events are stored. An event is in its own slot or, when another id has that, nearby.
 * Parameters: eids computed from the events, and their ids
 * Result:     the key of each, in order, NULL for what is not stored
 * Caller:     known, event_write
 * Index:      primary key of event, one partition for each event
 */
CREATE OR REPLACE FUNCTION event_known(eids BIGINT[], ids BYTEA[]) RETURNS BIGINT[]
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN ARRAY(
        SELECT e.eid
        FROM unnest(eids, ids) WITH ORDINALITY AS u (eid, id, place)
        LEFT JOIN event e ON e.id = u.id
            AND e.eid BETWEEN least(u.eid, (u.eid | 1073741823) - 15)
                AND least(u.eid, (u.eid | 1073741823) - 15) + 15
        ORDER BY u.place);
END
$$;
