/*
 * Purpose:    Find a relay by its URL.
 * Parameters: $1 url
 * Result:     at most one relay
 * Caller:     RelayStore::relay_by_url
 * Index:      unique url of relay
 */
SELECT
    relay_id, url, network, discovered_at, validated_at, state, check_failures, next_check_at,
    sync_failures, next_sync_at
FROM relay
WHERE url = $1
