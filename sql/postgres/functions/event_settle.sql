-- Computes what readers may see of events, from everything that is stored, and notes it where it changed. The
-- result does not depend on the order in which events came. The caller holds arrival_head.
--
-- Parameters: the keys of the events, the wall clock in unix seconds.
-- Callers: event_write, event_remove, event_sweep_expired. Indexes: primary keys of event and event_standing.
CREATE OR REPLACE FUNCTION event_settle(subjects BIGINT[], now_at BIGINT) RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    INSERT INTO event_standing AS s (eid, visibility, own)
    SELECT j.eid, j.after, j.own
    FROM (
        SELECT e.eid, own.visibility AS own, coalesce(b.visibility, own.visibility) AS before,
            CASE
                WHEN d.eid IS NOT NULL THEN 3
                WHEN b.address IS NOT NULL AND current_version(b.address) <> e.eid THEN 2
                WHEN own.visibility = 5 THEN 5
                WHEN b.expires_at <= now_at THEN 4
                ELSE own.visibility
            END::SMALLINT AS after
        FROM unnest(subjects) AS u (eid)
        JOIN event e ON e.eid = u.eid
        LEFT JOIN event_standing b ON b.eid = u.eid
        LEFT JOIN event_deleted(subjects) AS d (eid) ON d.eid = u.eid
        CROSS JOIN LATERAL (
            SELECT coalesce(b.own, CASE WHEN e.kind IN (4, 1059) THEN 1 ELSE 0 END)::SMALLINT
        ) AS own (visibility)
        -- A stub stays one.
        WHERE e.content IS NOT NULL
    ) AS j
    WHERE j.before <> j.after
    ORDER BY j.eid
    ON CONFLICT (eid) DO UPDATE SET visibility = excluded.visibility;
END
$$;
