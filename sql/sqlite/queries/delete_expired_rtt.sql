/*
 * Purpose:    Delete round-trip times measured long ago, but never the newest of a relay.
 * Parameters: $1 before
 *             $2 limit
 * Result:     affected rows
 * Caller:     MetadataStore::delete_expired_metadata
 * Index:      primary key of relay_rtt; walks over relay
 */
DELETE FROM relay_rtt
WHERE (relay_id, checked_at) IN (
    SELECT old.relay_id, old.checked_at
    FROM relay AS r
    CROSS JOIN relay_rtt AS old
        ON old.relay_id = r.relay_id
        AND old.checked_at < min($1, (
            SELECT max(newest.checked_at) FROM relay_rtt AS newest WHERE newest.relay_id = r.relay_id
        ))
    LIMIT $2
)
