/*
 * Purpose:    Name the relays that bring the most news.
 * Parameters: $1 now, unix seconds
 *             $2 limit
 * Result:     relay_id, fresh_until, is_caught_up
 * Caller:     TrafficStore::freshest
 * Index:      relay_traffic_by_freshness, at most limit entries
 */
SELECT relay_id, fresh_until, is_caught_up
FROM relay_traffic
WHERE fresh_until > $1
ORDER BY fresh_until DESC
LIMIT $2
