/*
 * Purpose:    Read the newest cycles of a service.
 * Parameters: $1 service_name
 *             $2 limit
 * Result:     cycles, newest first
 * Caller:     StatisticsStore::cycles
 * Index:      primary key of cycle
 */
SELECT started_at, duration_ms, is_success, summary
FROM cycle
WHERE service_name = $1
ORDER BY started_at DESC
LIMIT $2
