-- Counts what is new, which is all that pubkey_counts_by_relay waits for: unlike the other views it is none of those
-- that keep a copy.
--
-- Callers: all_statistics_refresh, refresh_statistics, over a direct connection.
CREATE OR REPLACE FUNCTION pubkey_counts_by_relay_refresh() RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off
AS $$
BEGIN
    PERFORM statistics_fold(2147483647);
END
$$;
