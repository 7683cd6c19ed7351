/*
 * Purpose:    Note what events that were stored just now ask for and when they expire: the targets of deletion
 *             requests, requests to vanish, the queue of expirations. All rows are under the events' own keys, so
 *             nobody waits here.
 * Parameters: arrays with one element for each event, fates as event_place tells them; now_at, unix seconds
 * Caller:     event_write
 */
CREATE OR REPLACE FUNCTION event_mark(
    stored BIGINT[], fates SMALLINT[], pubkeys BYTEA[], kinds INTEGER[], tags TEXT[], expirations BIGINT[],
    vanishing BOOLEAN[], now_at BIGINT
) RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    IF now_at < ANY (expirations) THEN
        INSERT INTO event_expiration (expires_at, eid)
        SELECT u.expires_at, u.eid
        FROM unnest(stored, fates, expirations) AS u (eid, fate, expires_at)
        WHERE u.fate = 0 AND u.expires_at > now_at;
    END IF;
    IF 5 = ANY (kinds) THEN
        INSERT INTO deleted_id (id, eid, requester)
        SELECT DISTINCT decode(m[1], 'hex'), u.eid, u.pubkey
        FROM unnest(stored, fates, kinds, pubkeys, tags) AS u (eid, fate, kind, pubkey, tags)
        CROSS JOIN regexp_matches(u.tags, '\["e","([0-9a-f]{64})"', 'g') m
        WHERE u.fate = 0 AND u.kind = 5;
        INSERT INTO deleted_address (address, eid)
        SELECT DISTINCT address_key(m[1]::INTEGER, u.pubkey, coalesce(m[3], '')), u.eid
        FROM unnest(stored, fates, kinds, pubkeys, tags) AS u (eid, fate, kind, pubkey, tags)
        CROSS JOIN regexp_matches(u.tags,
            '\["a","(0|[1-9][0-9]{0,4}):([0-9a-f]{64})(?::((?:[^"\\]|\\.)*))?"', 'g') m
        WHERE u.fate = 0 AND u.kind = 5 AND m[2] = encode(u.pubkey, 'hex')
            AND (m[1]::INTEGER BETWEEN 30000 AND 39999
                OR (m[1]::INTEGER IN (0, 3) OR m[1]::INTEGER BETWEEN 10000 AND 19999)
                    AND coalesce(m[3], '') = '');
    END IF;
    IF true = ANY (vanishing) THEN
        INSERT INTO vanish_request (pubkey, eid)
        SELECT u.pubkey, u.eid
        FROM unnest(stored, fates, pubkeys, vanishing) AS u (eid, fate, pubkey, is_vanishing)
        WHERE u.fate = 0 AND u.is_vanishing;
    END IF;
END
$$;
