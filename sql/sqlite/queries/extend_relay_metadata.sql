/*
 * Purpose:    Note that the document which was current before a moment still is.
 * Parameters: $1 relay_id
 *             $2 metadata_type
 *             $3 id of the document
 *             $4 generated_at
 * Result:     affected rows = 0 when another document, or none, was current
 * Caller:     MetadataStore::add_relay_metadata
 * Index:      primary key of relay_metadata, unique id and type of metadata
 */
UPDATE relay_metadata
SET last_generated_at = max(last_generated_at, $4)
WHERE relay_id = $1
    AND metadata_type = $2
    AND generated_at = (
        SELECT before.generated_at
        FROM relay_metadata AS before
        WHERE before.relay_id = $1 AND before.metadata_type = $2 AND before.generated_at <= $4
        ORDER BY before.generated_at DESC
        LIMIT 1
    )
    AND metadata_id = (SELECT m.metadata_id FROM metadata AS m WHERE m.id = $3 AND m.metadata_type = $2)
