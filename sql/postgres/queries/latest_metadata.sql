/*
 * Purpose:    Find the newest document of a type about a relay.
 * Parameters: $1 relay_id
 *             $2 metadata_type
 * Result:     at most one of last_generated_at, id, data
 * Caller:     MetadataStore::latest_metadata
 * Index:      primary keys of relay_metadata and metadata
 */
SELECT newest.last_generated_at, m.id, m.data
FROM (
    SELECT s.last_generated_at, s.metadata_id
    FROM relay_metadata AS s
    WHERE s.relay_id = $1 AND s.metadata_type = $2
    ORDER BY s.generated_at DESC
    LIMIT 1
) AS newest
INNER JOIN metadata AS m ON m.metadata_id = newest.metadata_id
