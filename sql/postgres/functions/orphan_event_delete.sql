/*
 * Purpose:    Delete events that were seen nowhere: those that clients brought and that this program made, too.
 *             One portion a call, so that whoever calls can commit in between; repeat until nothing goes.
 * Parameters: batch_size, how many at most
 * Result:     deleted events
 * Caller:     people
 * Index:      primary keys of event and event_relay, read side by side from the oldest event on
 */
CREATE OR REPLACE FUNCTION orphan_event_delete(batch_size INTEGER DEFAULT 10000) RETURNS INTEGER
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off SET enable_seqscan = off
AS $$
DECLARE
    orphans BIGINT[];
BEGIN
    PERFORM FROM arrival_head FOR UPDATE;
    orphans := ARRAY(
        SELECT e.eid
        FROM event AS e
        WHERE NOT EXISTS (SELECT FROM event_relay AS r WHERE r.eid = e.eid)
        ORDER BY e.eid
        LIMIT batch_size
    );
    RETURN event_remove(orphans, extract(epoch FROM clock_timestamp())::bigint);
END
$$;
