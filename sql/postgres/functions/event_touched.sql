-- The events whose standing may have changed because others were stored: these themselves, the targets of deletion
-- requests among them, and what were the newest versions of their addresses. The caller holds arrival_head.
--
-- Parameters: arrays with one element for each event; fates as event_place tells them. Result: keys, each once.
-- Caller: event_write. Indexes: deleted_id_by_request, deleted_address_by_request, event_by_id,
-- event_standing_by_address.
CREATE OR REPLACE FUNCTION event_touched(
    stored BIGINT[], fates SMALLINT[], kinds INTEGER[], addresses TEXT[]
) RETURNS BIGINT[]
LANGUAGE plpgsql STABLE SECURITY INVOKER
SET search_path = public, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN ARRAY(
        SELECT u.eid FROM unnest(stored, fates) AS u (eid, fate) WHERE u.fate = 0
        UNION
        SELECT e.eid
        FROM unnest(stored, fates, kinds) AS u (eid, fate, kind)
        JOIN deleted_id d ON d.eid = u.eid
        JOIN event e ON e.id = d.id
        WHERE u.fate = 0 AND u.kind = 5
        UNION
        SELECT s.eid
        FROM unnest(stored, fates, kinds) AS u (eid, fate, kind)
        JOIN deleted_address a ON a.eid = u.eid
        JOIN event_standing s ON s.address = a.address AND s.eid <= (a.eid | 1073741823)
        WHERE u.fate = 0 AND u.kind = 5
        UNION
        -- Only the new ones can be before the one that was the newest, but for one with the same key.
        SELECT v.eid
        FROM (
            SELECT u.address::UUID AS address, count(*) AS versions
            FROM unnest(fates, addresses) AS u (fate, address)
            WHERE u.fate = 0 AND u.address IS NOT NULL
            GROUP BY u.address
        ) AS a
        CROSS JOIN LATERAL (
            SELECT s.eid FROM event_standing s
            WHERE s.address = a.address ORDER BY s.eid DESC LIMIT a.versions + 2
        ) AS v);
END
$$;
