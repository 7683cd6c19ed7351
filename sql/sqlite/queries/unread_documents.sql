/*
 * Purpose:    Find newest NIP-11 documents that were not read yet.
 * Parameters: $1 relay_id, exclusive
 *             $2 limit
 * Result:     relay_id, metadata_id, data, by relay
 * Caller:     FigureStore::refresh_statistics
 * Index:      primary keys of relay, relay_metadata, relay_statement and metadata
 */
SELECT newest.relay_id, newest.metadata_id, m.data
FROM (
    SELECT r.relay_id, (
        SELECT s.metadata_id FROM relay_metadata AS s
        WHERE s.relay_id = r.relay_id AND s.metadata_type = 'nip11_info'
        ORDER BY s.generated_at DESC LIMIT 1
    ) AS metadata_id
    FROM relay AS r
    WHERE r.relay_id > $1
) AS newest
INNER JOIN metadata AS m ON m.metadata_id = newest.metadata_id
LEFT JOIN relay_statement AS t ON t.relay_id = newest.relay_id
WHERE t.metadata_id IS NOT newest.metadata_id
ORDER BY newest.relay_id
LIMIT $2
