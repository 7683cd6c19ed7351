/*
 * Purpose:    Find the newest document of a type about a relay.
 * Parameters: $1 relay_id
 *             $2 metadata_type
 * Result:     at most one of last_generated_at, id, data
 * Caller:     MetadataStore::latest_metadata
 * Index:      primary keys of relay_metadata and metadata
 */
SELECT newest.last_generated_at, m.id, m.data
FROM relay_metadata AS newest
CROSS JOIN metadata AS m ON m.metadata_id = newest.metadata_id
WHERE newest.relay_id = $1 AND newest.metadata_type = $2
ORDER BY newest.generated_at DESC
LIMIT 1
