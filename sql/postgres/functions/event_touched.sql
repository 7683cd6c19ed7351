/*
 * Purpose:    The events whose standing is not settled by what they are, or no longer, because others were stored:
 *             versions, expiring and deleted ones among these, the targets of deletion requests, and what were the
 *             newest versions of addresses. The caller holds arrival_head.
 * Parameters: arrays with one element for each event; fates as event_place tells them
 * Result:     keys, each once
 * Caller:     event_write
 * Index:      primary key of deleted_id, deleted_id_by_request, deleted_address_by_request, event_by_id,
 *             event_standing_by_address
 */
CREATE OR REPLACE FUNCTION event_touched(
    stored BIGINT[], fates SMALLINT[], ids BYTEA[], kinds INTEGER[], addresses TEXT[], expirations BIGINT[]
) RETURNS BIGINT[]
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    touched BIGINT[];
BEGIN
    touched := ARRAY(
        SELECT u.eid
        FROM unnest(stored, fates, ids, addresses, expirations) AS u (eid, fate, id, address, expires_at)
        WHERE u.fate = 0 AND (u.address IS NOT NULL OR u.expires_at IS NOT NULL
            OR EXISTS (SELECT FROM deleted_id d WHERE d.id = u.id)));
    IF 5 = ANY (kinds) THEN
        touched := touched || ARRAY(
            SELECT e.eid
            FROM unnest(stored, fates, kinds) AS u (eid, fate, kind)
            JOIN deleted_id d ON d.eid = u.eid
            JOIN event e ON e.id = d.id
            WHERE u.fate = 0 AND u.kind = 5) || ARRAY(
            SELECT s.eid
            FROM unnest(stored, fates, kinds) AS u (eid, fate, kind)
            JOIN deleted_address a ON a.eid = u.eid
            JOIN event_standing s ON s.address = a.address AND s.eid <= (a.eid | 1073741823)
            WHERE u.fate = 0 AND u.kind = 5);
    END IF;
    -- Only the new ones can be before the one that was the newest, but for one with the same key. Of the others those
    -- that were superseded or deleted stay so.
    touched := touched || ARRAY(
        SELECT v.eid
        FROM (
            SELECT u.address::UUID AS address, count(*) AS versions
            FROM unnest(fates, addresses) AS u (fate, address)
            WHERE u.fate = 0 AND u.address IS NOT NULL
            GROUP BY u.address
        ) AS a
        CROSS JOIN LATERAL (
            SELECT s.eid, s.visibility FROM event_standing s
            WHERE s.address = a.address ORDER BY s.eid DESC LIMIT a.versions + 2
        ) AS v
        WHERE v.visibility NOT IN (2, 3));
    RETURN ARRAY(SELECT DISTINCT t.eid FROM unnest(touched) AS t (eid));
END
$$;
