/*
 * Purpose:    Documents in the seed's shape. A document that jsonb cannot hold is null in data (readable_json).
 * Result:     id, metadata_type, data
 * Caller:     people
 * Index:      unique id and type of metadata
 */
CREATE OR REPLACE VIEW nostr.metadata AS
SELECT m.id, m.metadata_type, public.readable_json(m.data) AS data
FROM public.metadata AS m;
COMMENT ON VIEW nostr.metadata IS
    'Documents about relays; id is the SHA-256 of the canonical JSON, which public.metadata has';
