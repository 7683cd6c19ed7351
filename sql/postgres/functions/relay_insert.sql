/*
 * Purpose:    Add relays; known ones are left alone, and a candidate of that URL becomes the relay.
 * Parameters: urls, networks, discovered_ats: one row each
 * Result:     new relays
 * Caller:     relay_metadata_insert_cascade, event_relay_insert_cascade, programs beside ours
 * Locks:      7261940116 shared, as everything that makes relays; rows in the order of their URLs
 */
CREATE OR REPLACE FUNCTION relay_insert(urls TEXT[], networks TEXT[], discovered_ats BIGINT[])
RETURNS INTEGER
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
DECLARE
    now_at CONSTANT BIGINT := extract(epoch FROM clock_timestamp())::bigint;
    added INTEGER;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7261940116);
    INSERT INTO relay (url, network, discovered_at, validated_at, state, next_check_at, next_sync_at)
    SELECT DISTINCT ON (named.url)
        named.url, named.network, least(named.discovered_at, c.discovered_at), now_at, 'new',
        now_at, now_at
    FROM unnest(urls, networks, discovered_ats)
        WITH ORDINALITY AS named (url, network, discovered_at, position)
    LEFT JOIN candidate AS c ON c.url = named.url
    WHERE NOT EXISTS (SELECT FROM relay AS known WHERE known.url = named.url)
    ORDER BY named.url, named.position
    ON CONFLICT (url) DO NOTHING;
    GET DIAGNOSTICS added = ROW_COUNT;
    IF added > 0 THEN
        DELETE FROM candidate
        USING (
            SELECT c.url FROM candidate AS c WHERE c.url = ANY (urls) ORDER BY c.url FOR UPDATE
        ) AS gone
        WHERE candidate.url = gone.url;
    END IF;
    RETURN added;
END
$$;
