/*
 * Purpose:    The key of an address in event_standing and deleted_address: 16 bytes of the SHA-256 of
 *             kind:pubkey:identifier.
 * Parameters: a replaceable or addressable kind, the author, the identifier escaped as in JSON, without its quotes
 * Caller:     event_mark, event_facts
 */
CREATE OR REPLACE FUNCTION address_key(kind INTEGER, pubkey BYTEA, identifier TEXT) RETURNS UUID
LANGUAGE sql IMMUTABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT encode(substr(sha256(convert_to(
        kind::TEXT || ':' || encode(pubkey, 'hex') || ':' || identifier, 'UTF8')), 1, 16), 'hex')::UUID
$$;
