/*
 * Purpose:    Store a document.
 * Parameters: $1 id
 *             $2 metadata_type
 *             $3 data
 * Result:     affected rows = 0 when it is stored
 * Caller:     MetadataStore::add_relay_metadata
 * Index:      unique id and type of metadata
 */
INSERT INTO metadata (id, metadata_type, data)
VALUES ($1, $2, $3)
ON CONFLICT (id, metadata_type) DO NOTHING
