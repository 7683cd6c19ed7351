/*
 * Purpose:    Bring relay_metadata_latest up to date while others read it.
 * Parameters: none
 * Result:     none
 * Caller:     the refresher, over a direct connection; only the view's owner may
 */
CREATE OR REPLACE FUNCTION relay_metadata_latest_refresh() RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
BEGIN
    REFRESH MATERIALIZED VIEW CONCURRENTLY relay_metadata_latest;
END
$$;
