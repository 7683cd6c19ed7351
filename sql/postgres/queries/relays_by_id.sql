/*
 * Purpose:    Find relays by their keys.
 * Parameters: $1 relay_ids
 * Result:     relays by key
 * Caller:     RelayStore::relays_by_id
 * Index:      primary key of relay
 */
SELECT
    relay_id, url, network, discovered_at, validated_at, state, check_failures, next_check_at,
    sync_failures, next_sync_at
FROM relay
WHERE relay_id = ANY ($1)
ORDER BY relay_id
