/*
 * Purpose:    Walk over the newest NIP-11 document of each relay.
 * Parameters: $1 relay_id, exclusive
 *             $2 limit
 * Result:     relay_id, last_generated_at, id, data, by relay
 * Caller:     FigureStore::latest_documents
 * Index:      primary keys of relay, relay_metadata and metadata
 */
SELECT r.relay_id, newest.last_generated_at, m.id, m.data
FROM relay AS r
CROSS JOIN LATERAL (
    SELECT s.last_generated_at, s.metadata_id
    FROM relay_metadata AS s
    WHERE s.relay_id = r.relay_id AND s.metadata_type = 'nip11_info'
    ORDER BY s.generated_at DESC LIMIT 1
) AS newest
INNER JOIN metadata AS m ON m.metadata_id = newest.metadata_id
WHERE r.relay_id > $1::bigint
ORDER BY r.relay_id
LIMIT $2
