-- What relays said about themselves last (NIP-11): texts cut to what an index can hold, and to nothing when they are
-- no texts.
--
-- Columns: relay_id, name, software, version, supported_nips as they came. Callers: relay_stats,
-- relay_software_counts, supported_nip_counts. Index: primary key of relay_metadata.
CREATE OR REPLACE VIEW nip11_latest AS
SELECT d.relay_id,
    CASE jsonb_typeof(d.document -> 'name')
        WHEN 'string' THEN nullif(left(d.document ->> 'name', 200), '') END AS name,
    CASE jsonb_typeof(d.document -> 'software')
        WHEN 'string' THEN nullif(left(d.document ->> 'software', 200), '') END AS software,
    CASE jsonb_typeof(d.document -> 'version')
        WHEN 'string' THEN nullif(left(d.document ->> 'version', 200), '') END AS version,
    d.document -> 'supported_nips' AS supported_nips
FROM (
    SELECT r.relay_id, readable_json(m.data) AS document
    FROM relay r
    CROSS JOIN LATERAL (
        SELECT s.metadata_id FROM relay_metadata s
        WHERE s.relay_id = r.relay_id AND s.metadata_type = 'nip11_info'
        ORDER BY s.generated_at DESC LIMIT 1
    ) AS s
    JOIN metadata m ON m.metadata_id = s.metadata_id
    -- The document is read once for all of its columns.
    OFFSET 0
) AS d;
