-- Brings supported_nip_counts up to date while others read it.
--
-- Callers: all_statistics_refresh, refresh_statistics, over a direct connection; only the view's owner may.
CREATE OR REPLACE FUNCTION supported_nip_counts_refresh() RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET work_mem = '128MB' SET jit = off
AS $$
BEGIN
    REFRESH MATERIALIZED VIEW CONCURRENTLY supported_nip_counts;
END
$$;
