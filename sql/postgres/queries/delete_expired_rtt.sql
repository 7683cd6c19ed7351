/*
 * Purpose:    Delete round-trip times measured long ago, but never the newest of a relay.
 * Parameters: $1 before
 *             $2 limit
 * Result:     affected rows
 * Caller:     MetadataStore::delete_expired_metadata
 * Index:      primary key of relay_rtt; walks over relay
 */
DELETE FROM relay_rtt
WHERE ctid = ANY (ARRAY(
    SELECT old.ctid
    FROM relay AS r
    CROSS JOIN LATERAL (
        SELECT s.ctid
        FROM relay_rtt AS s
        WHERE s.relay_id = r.relay_id
            AND s.checked_at < least($1, (
                SELECT max(newest.checked_at)
                FROM relay_rtt AS newest
                WHERE newest.relay_id = r.relay_id
            ))
        LIMIT $2
    ) AS old
    LIMIT $2
))
