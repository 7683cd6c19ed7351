/*
 * Purpose:    Computes what readers may see of events, from everything that is stored, and notes it where it changed.
 *             The result does not depend on the order in which events came. The caller holds arrival_head.
 * Parameters: the keys of the events, the wall clock in unix seconds
 * Caller:     event_write, event_remove, event_sweep_expired
 * Index:      primary keys of event and event_standing
 */
CREATE OR REPLACE FUNCTION event_settle(subjects BIGINT[], now_at BIGINT) RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    WITH subject AS MATERIALIZED (
        SELECT e.eid, e.kind, s.visibility, s.own, s.expires_at, s.address
        FROM unnest(subjects) AS u (eid)
        JOIN event e ON e.eid = u.eid
        LEFT JOIN event_standing s ON s.eid = u.eid
        -- A stub stays one.
        WHERE e.content IS NOT NULL
    ), current AS MATERIALIZED (
        SELECT a.address, current_version(a.address) AS eid
        FROM (SELECT DISTINCT s.address FROM subject s WHERE s.address IS NOT NULL) AS a
    ), judged AS MATERIALIZED (
        SELECT s.eid, own.visibility AS own, coalesce(s.visibility, own.visibility) AS before,
            CASE
                WHEN d.eid IS NOT NULL THEN 3
                WHEN c.eid <> s.eid THEN 2
                WHEN own.visibility = 5 THEN 5
                WHEN s.expires_at <= now_at THEN 4
                ELSE own.visibility
            END::SMALLINT AS after
        FROM subject s
        LEFT JOIN current c ON c.address = s.address
        LEFT JOIN event_deleted(subjects) AS d (eid) ON d.eid = s.eid
        CROSS JOIN LATERAL (
            SELECT coalesce(s.own, CASE WHEN s.kind IN (4, 1059) THEN 1 ELSE 0 END)::SMALLINT
        ) AS own (visibility)
    )
    INSERT INTO event_standing (eid, visibility, own)
    SELECT j.eid, j.after, j.own
    FROM judged j
    WHERE j.before <> j.after
    ORDER BY j.eid
    ON CONFLICT (eid) DO UPDATE SET visibility = excluded.visibility;
END
$$;
