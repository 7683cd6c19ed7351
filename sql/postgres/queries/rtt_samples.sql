/*
 * Purpose:    Read the newest round-trip times of a relay.
 * Parameters: $1 relay_id
 *             $2 limit
 * Result:     samples, newest first
 * Caller:     MetadataStore::rtt_samples
 * Index:      primary key of relay_rtt
 */
SELECT checked_at, open_ms, read_ms, write_ms
FROM relay_rtt
WHERE relay_id = $1
ORDER BY checked_at DESC
LIMIT $2
