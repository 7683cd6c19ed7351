/*
 * Purpose:    Takes events and every row about them out, and settles what they kept hidden. The caller holds
 *             arrival_head.
 * Parameters: the keys of the events, each once, the wall clock in unix seconds
 * Result:     how many were removed
 * Caller:     event_write, event_vanish, orphan_event_delete
 * Index:      primary keys, deleted_id_by_request, deleted_address_by_request, event_by_id
 */
CREATE OR REPLACE FUNCTION event_remove(doomed BIGINT[], now_at BIGINT) RETURNS BIGINT
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    removed BIGINT[];
    kinds INTEGER[];
    pubkeys BYTEA[];
    unsighted BIGINT[];
    relays INTEGER[];
    addresses UUID[];
    deleted BYTEA[];
    touched BIGINT[];
BEGIN
    WITH gone AS (DELETE FROM event e WHERE e.eid = ANY (doomed) RETURNING e.eid, e.kind, e.pubkey)
    SELECT array_agg(g.eid), array_agg(g.kind), array_agg(g.pubkey) INTO removed, kinds, pubkeys FROM gone g;
    IF removed IS NULL THEN
        RETURN 0;
    END IF;
    WITH gone AS (DELETE FROM event_relay r WHERE r.eid = ANY (removed) RETURNING r.eid, r.relay_id)
    SELECT coalesce(array_agg(g.eid), '{}'), coalesce(array_agg(g.relay_id), '{}')
        INTO unsighted, relays FROM gone g;
    WITH gone AS (DELETE FROM event_standing s WHERE s.eid = ANY (removed) RETURNING s.address, s.eid, s.expires_at),
        queue AS (
            DELETE FROM event_expiration x USING gone g
            WHERE x.expires_at = g.expires_at AND x.eid = g.eid)
    SELECT array_agg(DISTINCT g.address) INTO addresses FROM gone g WHERE g.address IS NOT NULL;
    WITH gone AS (DELETE FROM deleted_id d WHERE d.eid = ANY (removed) RETURNING d.id)
    SELECT array_agg(DISTINCT g.id) INTO deleted FROM gone g;
    WITH gone AS (DELETE FROM deleted_address a WHERE a.eid = ANY (removed) RETURNING a.address, a.eid)
    SELECT array_agg(DISTINCT t.eid) INTO touched
    FROM (
        SELECT s.eid FROM gone g JOIN event_standing s ON s.address = g.address AND s.eid <= (g.eid | 1073741823)
        UNION ALL
        SELECT e.eid FROM unnest(deleted) AS d (id) JOIN event e ON e.id = d.id
        UNION ALL
        SELECT current_version(a.address) FROM unnest(addresses) AS a (address)
    ) AS t;
    INSERT INTO event_count AS c (kind, events)
    SELECT k.kind, -count(*) FROM unnest(kinds) AS k (kind) GROUP BY k.kind
    ON CONFLICT (kind) DO UPDATE SET events = c.events + excluded.events;
    UPDATE arrival_head h SET removal = h.removal + 1, change = h.change + 1,
        sightings = h.sightings - cardinality(unsighted);
    INSERT INTO event_change (change, removed, removed_kinds, removed_pubkeys, unsighted, unsighted_relays)
    SELECT h.change, removed, kinds, pubkeys, unsighted, relays FROM arrival_head h;
    PERFORM event_settle(array_remove(touched, NULL), now_at);
    RETURN cardinality(removed);
END
$$;
