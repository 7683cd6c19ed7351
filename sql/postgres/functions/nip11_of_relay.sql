-- What a relay said about itself last (NIP-11): texts cut to what an index can hold, and to nothing when they are no
-- texts.
--
-- Parameters: the relay's key. Result: at most one of name, software, version, supported_nips as they came. Callers:
-- nip11_latest, relay_figures. Index: primary key of relay_metadata.
CREATE OR REPLACE FUNCTION nip11_of_relay(wanted INTEGER)
RETURNS TABLE (name TEXT, software TEXT, version TEXT, supported_nips JSONB)
LANGUAGE sql STABLE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
    SELECT
        CASE jsonb_typeof(d.document -> 'name')
            WHEN 'string' THEN nullif(left(d.document ->> 'name', 200), '') END,
        CASE jsonb_typeof(d.document -> 'software')
            WHEN 'string' THEN nullif(left(d.document ->> 'software', 200), '') END,
        CASE jsonb_typeof(d.document -> 'version')
            WHEN 'string' THEN nullif(left(d.document ->> 'version', 200), '') END,
        d.document -> 'supported_nips'
    FROM (
        SELECT readable_json(m.data) AS document
        FROM (
            SELECT s.metadata_id FROM relay_metadata s
            WHERE s.relay_id = wanted AND s.metadata_type = 'nip11_info'
            ORDER BY s.generated_at DESC LIMIT 1
        ) AS s
        JOIN metadata m ON m.metadata_id = s.metadata_id
        -- The document is read once for all of its columns.
        OFFSET 0
    ) AS d
$$;
