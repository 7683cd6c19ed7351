/*
 * Purpose:    Note where stored events were seen; of several sightings on one relay the oldest stays.
 * Parameters: one row each: event id, URL of the relay, unix seconds
 * Result:     new pairs of event and relay; an error when an event or a relay is not stored
 * Caller:     programs beside ours
 * Index:      event_by_id, unique url of relay
 */
CREATE OR REPLACE FUNCTION event_relay_insert(event_ids BYTEA[], relay_urls TEXT[], seen_ats BIGINT[])
RETURNS INTEGER
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off SET enable_seqscan = off
AS $$
DECLARE
    relay_ids INTEGER[] := ARRAY(
        SELECT r.relay_id
        FROM unnest(relay_urls) WITH ORDINALITY AS u (url, place) LEFT JOIN relay AS r ON r.url = u.url
        ORDER BY u.place
    );
BEGIN
    IF array_position(relay_ids, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'relay % is not stored', relay_urls[array_position(relay_ids, NULL)]
            USING ERRCODE = 'foreign_key_violation';
    ELSIF EXISTS (
        SELECT FROM unnest(event_ids) AS u (id) WHERE NOT EXISTS (SELECT FROM event AS e WHERE e.id = u.id)
    ) THEN
        RAISE EXCEPTION 'an event is not stored' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN (
        SELECT w.sighted
        FROM event_write_rows('{}', '{}', '{}', '{}', '{}', '{}', '{}', event_ids, relay_ids, seen_ats) AS w
    );
END
$$;
