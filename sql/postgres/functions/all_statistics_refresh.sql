-- Counts what is new and brings all views up to date, in one transaction: by hand. Services call the functions one
-- by one, so that a view is there for others as soon as it is done.
--
-- Callers: people; only the views' owner may.
CREATE OR REPLACE FUNCTION all_statistics_refresh() RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF to_regprocedure('relay_metadata_latest_refresh()') IS NOT NULL THEN
        EXECUTE 'SELECT relay_metadata_latest_refresh()';
    END IF;
    PERFORM event_stats_refresh();
    PERFORM relay_stats_refresh();
    PERFORM kind_counts_refresh();
    PERFORM kind_counts_by_relay_refresh();
    PERFORM pubkey_counts_refresh();
    PERFORM pubkey_counts_by_relay_refresh();
    PERFORM network_stats_refresh();
    PERFORM event_daily_counts_refresh();
    PERFORM events_replaceable_latest_refresh();
    PERFORM events_addressable_latest_refresh();
    PERFORM relay_software_counts_refresh();
    PERFORM supported_nip_counts_refresh();
END
$$;
