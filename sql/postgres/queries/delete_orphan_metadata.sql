/*
 * Purpose:    Delete documents that were current for no relay in the time that is kept.
 * Parameters: $1 limit
 * Result:     affected rows
 * Caller:     MetadataStore::delete_orphan_metadata
 * Index:      relay_metadata_by_metadata; walks over metadata
 */
DELETE FROM metadata
WHERE ctid = ANY (ARRAY(
    SELECT m.ctid
    FROM metadata AS m
    WHERE NOT EXISTS (SELECT FROM relay_metadata AS named WHERE named.metadata_id = m.metadata_id)
    LIMIT $1
))
