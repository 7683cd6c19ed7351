/*
 * Purpose:    Delete what was last observed long ago, but never the newest of a relay and type.
 * Parameters: $1 before
 *             $2 limit
 *             $3 JSON array of all metadata types
 * Result:     affected rows
 * Caller:     MetadataStore::delete_expired_metadata
 * Index:      primary key of relay_metadata; walks over relay
 */
DELETE FROM relay_metadata
WHERE (relay_id, metadata_type, generated_at) IN (
    SELECT old.relay_id, old.metadata_type, old.generated_at
    FROM relay AS r
    CROSS JOIN json_each($3) AS every
    CROSS JOIN relay_metadata AS old
        ON old.relay_id = r.relay_id
        AND old.metadata_type = every.value
        AND old.generated_at < min($1, (
            SELECT max(newest.generated_at)
            FROM relay_metadata AS newest
            WHERE newest.relay_id = r.relay_id AND newest.metadata_type = every.value
        ))
    WHERE old.last_generated_at < $1
    LIMIT $2
)
