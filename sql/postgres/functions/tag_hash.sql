/*
 * Purpose:    The hash under which a one-letter tag is in event.tag_hashes: the first four bytes of the SHA-256 of the
 *             letter and the value as a JSON string. Two values may share it: compare the tags of what is found.
 * Parameters: the letter, the value
 * Result:     the hash
 * Caller:     analysts, event_facts, event_vanish
 * Example:    SELECT id FROM nostr.event WHERE tag_hashes @> ARRAY[tag_hash('t', 'nostr')] AND tags @> '[["t",
 *             "nostr"]]'
 */
CREATE OR REPLACE FUNCTION tag_hash(letter TEXT, value TEXT) RETURNS INTEGER
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ('x' || encode(substr(sha256(convert_to(letter || to_json(value)::TEXT, 'UTF8')), 1, 4), 'hex'))
        ::BIT(32)::INTEGER
$$;
