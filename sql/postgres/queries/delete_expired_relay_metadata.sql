/*
 * Purpose:    Delete what was last observed long ago, but never the newest of a relay and type.
 * Parameters: $1 before
 *             $2 limit
 * Result:     affected rows
 * Caller:     MetadataStore::delete_expired_metadata
 * Index:      primary key of relay_metadata; walks over relay_metadata
 */
DELETE FROM relay_metadata
WHERE ctid = ANY (ARRAY(
    SELECT old.ctid
    FROM relay_metadata AS old
    WHERE old.last_generated_at < $1
        AND EXISTS (
            SELECT FROM relay_metadata AS newer
            WHERE newer.relay_id = old.relay_id
                AND newer.metadata_type = old.metadata_type
                AND newer.generated_at > old.generated_at
        )
    LIMIT $2
))
