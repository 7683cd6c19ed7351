/*
 * Purpose:    Which of some events a stored deletion request covers (NIP-09): one by their author or, for a gift wrap,
 *             by a recipient, that names their id; or one that names their address at their second or later. Requests
 *             themselves cannot be deleted.
 * Parameters: the keys of the events
 * Result:     those that are deleted
 * Caller:     event_settle, event_write
 * Index:      primary keys of event, event_standing, deleted_id and deleted_address
 */
CREATE OR REPLACE FUNCTION event_deleted(subjects BIGINT[]) RETURNS SETOF BIGINT
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN QUERY
    SELECT e.eid
    FROM unnest(subjects) AS u (eid)
    JOIN event e ON e.eid = u.eid
    WHERE e.kind NOT IN (5, 62) AND (
        EXISTS (
            SELECT FROM deleted_id d
            WHERE d.id = e.id AND (d.requester = e.pubkey OR (e.kind = 1059
                AND strpos(e.tags, '["p","' || encode(d.requester, 'hex') || '"') > 0)))
        OR EXISTS (
            SELECT FROM event_standing s JOIN deleted_address a ON a.address = s.address
            WHERE s.eid = e.eid AND a.eid >= e.eid >> 30 << 30));
END
$$;
