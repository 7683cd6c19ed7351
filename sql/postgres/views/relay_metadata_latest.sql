/*
 * Purpose:    The newest document of each type about each relay, with the moment it was last seen current.
 * Result:     relay_url, metadata_type, generated_at, metadata_id, data
 * Caller:     people; relay_metadata_latest_refresh brings it up to date
 * Index:      unique (relay_url, metadata_type), which a concurrent refresh needs; (metadata_type)
 */
CREATE MATERIALIZED VIEW relay_metadata_latest AS
SELECT
    r.url AS relay_url, newest.metadata_type, newest.last_generated_at AS generated_at,
    m.id AS metadata_id, readable_json(m.data) AS data
FROM (
    SELECT DISTINCT ON (s.relay_id, s.metadata_type)
        s.relay_id, s.metadata_type, s.last_generated_at, s.metadata_id
    FROM relay_metadata AS s
    ORDER BY s.relay_id, s.metadata_type, s.generated_at DESC
) AS newest
INNER JOIN relay AS r ON r.relay_id = newest.relay_id
INNER JOIN metadata AS m ON m.metadata_id = newest.metadata_id;
CREATE UNIQUE INDEX relay_metadata_latest_key ON relay_metadata_latest (relay_url, metadata_type);
CREATE INDEX relay_metadata_latest_by_type ON relay_metadata_latest (metadata_type);
COMMENT ON MATERIALIZED VIEW relay_metadata_latest IS
    'The newest document of each type about each relay, as of the last refresh';
