/*
 * Purpose:    Walk over all relays.
 * Parameters: $1 relay_id, exclusive
 *             $2 limit
 * Result:     relays by key
 * Caller:     RelayStore::relays_after
 * Index:      primary key of relay
 */
SELECT
    relay_id, url, network, discovered_at, validated_at, state, check_failures, next_check_at,
    sync_failures, next_sync_at
FROM relay
WHERE relay_id > $1
ORDER BY relay_id
LIMIT $2
