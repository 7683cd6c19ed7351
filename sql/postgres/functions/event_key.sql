/*
 * Purpose:    The key that an event wants: its second, and the first 30 bits of its id upside down, so that
 *             descending order is NIP-01's.
 * Parameters: created_at, unix seconds; id
 * Result:     eid; the event may have a neighbouring one, see event_known
 * Caller:     event_write_rows, people who look for a moment: eid >= event_key(1700000000, '\xffffffff')
 */
CREATE OR REPLACE FUNCTION event_key(created_at BIGINT, id BYTEA) RETURNS BIGINT
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT created_at << 30 | (1073741823 - (('x' || encode(substr(id, 1, 4), 'hex'))::bit(32)::bigint >> 2))
$$;
