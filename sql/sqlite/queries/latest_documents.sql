/*
 * Purpose:    Walk over the newest NIP-11 document of each relay.
 * Parameters: $1 relay_id, exclusive
 *             $2 limit
 * Result:     relay_id, last_generated_at, id, data, by relay
 * Caller:     FigureStore::latest_documents
 * Index:      primary keys of relay, relay_metadata and metadata
 */
SELECT newest.relay_id, newest.last_generated_at, m.id, m.data
FROM relay AS r
INNER JOIN relay_metadata AS newest ON newest.relay_id = r.relay_id AND newest.metadata_type = 'nip11_info'
    AND newest.generated_at = (
        SELECT max(s.generated_at) FROM relay_metadata AS s
        WHERE s.relay_id = r.relay_id AND s.metadata_type = 'nip11_info'
    )
INNER JOIN metadata AS m ON m.metadata_id = newest.metadata_id
WHERE r.relay_id > $1
ORDER BY r.relay_id
LIMIT $2
