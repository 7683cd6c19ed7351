/*
 * Purpose:    Note that a stored document was current for a relay at a moment, unless another one was.
 * Parameters: $1 relay_id
 *             $2 metadata_type
 *             $3 id of the document
 *             $4 generated_at
 * Result:     affected rows
 * Caller:     MetadataStore::add_relay_metadata
 * Index:      primary key of relay_metadata, unique id and type of metadata
 */
INSERT INTO relay_metadata (relay_id, metadata_type, generated_at, last_generated_at, metadata_id)
SELECT $1, $2, $4, $4, m.metadata_id
FROM metadata AS m
WHERE m.id = $3
    AND m.metadata_type = $2
    AND $4 > ifnull(
        (
            SELECT before.last_generated_at
            FROM relay_metadata AS before
            WHERE before.relay_id = $1 AND before.metadata_type = $2 AND before.generated_at <= $4
            ORDER BY before.generated_at DESC
            LIMIT 1
        ),
        -1
    )
