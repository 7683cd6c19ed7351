-- Brings events_replaceable_latest up to date while others read it.
--
-- Callers: all_statistics_refresh, refresh_statistics, over a direct connection; only the view's owner may.
CREATE OR REPLACE FUNCTION events_replaceable_latest_refresh() RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET work_mem = '128MB' SET jit = off
AS $$
BEGIN
    REFRESH MATERIALIZED VIEW CONCURRENTLY events_replaceable_latest;
END
$$;
