/*
 * Purpose:    Hides events whose expiration has passed (NIP-40).
 * Parameters: the wall clock in unix seconds, how many at most
 * Result:     how many
 * Caller:     sweep_expired
 * Index:      primary key of event_expiration
 */
CREATE OR REPLACE FUNCTION event_sweep_expired(now_at BIGINT, at_most BIGINT) RETURNS BIGINT
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    swept BIGINT[];
BEGIN
    PERFORM FROM arrival_head FOR UPDATE;
    WITH due AS (
        SELECT x.expires_at, x.eid FROM event_expiration x
        WHERE x.expires_at <= now_at ORDER BY x.expires_at, x.eid LIMIT at_most
    ), gone AS (
        DELETE FROM event_expiration x USING due d
        WHERE x.expires_at = d.expires_at AND x.eid = d.eid
        RETURNING x.eid
    )
    SELECT array_agg(g.eid) INTO swept FROM gone g;
    PERFORM event_settle(swept, now_at);
    RETURN coalesce(cardinality(swept), 0);
END
$$;
