/*
 * Purpose:    Store events with the relays on which they were seen, which are stored too where they are missing.
 * Parameters: one row each: an event as in event_insert, a relay as in relay_insert, unix seconds
 * Result:     new pairs of event and relay
 * Caller:     programs beside ours
 * Index:      unique url of relay
 */
CREATE OR REPLACE FUNCTION event_relay_insert_cascade(
    event_ids BYTEA[], pubkeys BYTEA[], created_ats BIGINT[], kinds INTEGER[], tags JSONB[], contents TEXT[],
    sigs BYTEA[], relay_urls TEXT[], relay_networks TEXT[], relay_discovered_ats BIGINT[], seen_ats BIGINT[]
) RETURNS INTEGER
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off SET enable_seqscan = off
AS $$
BEGIN
    PERFORM relay_insert(relay_urls, relay_networks, relay_discovered_ats);
    RETURN (
        SELECT w.sighted
        FROM (
            SELECT array_agg(u.id) AS ids, array_agg(r.relay_id) AS relays, array_agg(u.seen_at) AS moments
            FROM unnest(event_ids, relay_urls, seen_ats) AS u (id, url, seen_at)
            JOIN relay AS r ON r.url = u.url
        ) AS s
        CROSS JOIN LATERAL event_write_rows(
            event_ids, pubkeys, created_ats, kinds, tags, contents, sigs,
            coalesce(s.ids, '{}'), coalesce(s.relays, '{}'), coalesce(s.moments, '{}')
        ) AS w
    );
END
$$;
