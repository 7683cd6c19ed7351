-- Counts what is new, and brings pubkey_counts_by_relay up to date while others read it.
--
-- Callers: all_statistics_refresh, refresh_statistics, over a direct connection; only the view's owner may.
CREATE OR REPLACE FUNCTION pubkey_counts_by_relay_refresh() RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET work_mem = '256MB' SET jit = off
AS $$
BEGIN
    PERFORM statistics_fold(2147483647);
    REFRESH MATERIALIZED VIEW CONCURRENTLY pubkey_counts_by_relay;
END
$$;
