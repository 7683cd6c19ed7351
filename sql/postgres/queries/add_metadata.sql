/*
 * Purpose:    Store documents.
 * Parameters: $1 ids
 *             $2 metadata_types
 *             $3 documents; together one row each
 * Result:     affected rows = new documents
 * Caller:     MetadataStore::add_relay_metadata
 * Index:      unique id and type of metadata
 */
INSERT INTO metadata (id, metadata_type, data)
SELECT DISTINCT ON (new.id, new.metadata_type) new.id, new.metadata_type, new.data
FROM unnest($1::bytea[], $2::text[], $3::text[]) AS new (id, metadata_type, data)
WHERE NOT EXISTS (
    SELECT FROM metadata AS known
    WHERE known.id = new.id AND known.metadata_type = new.metadata_type
)
ORDER BY new.id, new.metadata_type
ON CONFLICT (id, metadata_type) DO NOTHING
