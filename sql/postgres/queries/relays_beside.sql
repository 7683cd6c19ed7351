/*
 * Purpose:    Find the relays of one scheme, host and port.
 * Parameters: $1 URL without a path
 *             $2 the same with a slash
 *             $3 the first text behind all that begin with $2
 *             $4 limit
 * Result:     relays by url
 * Caller:     AliasStore::relays_beside
 * Index:      unique url of relay, a range and an entry
 */
SELECT
    relay_id, url, network, discovered_at, validated_at, state, check_failures, next_check_at,
    sync_failures, next_sync_at
FROM relay
WHERE url = $1 OR (url >= $2 AND url < $3)
ORDER BY url
LIMIT $4
