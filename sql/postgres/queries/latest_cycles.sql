/*
 * Purpose:    Read the newest cycle of each service.
 * Parameters: $1 service_names
 * Result:     cycles in the order of the names
 * Caller:     StatisticsStore::latest_cycles
 * Index:      primary key of cycle
 */
SELECT
    newest.service_name, newest.started_at, newest.duration_ms, newest.is_success, newest.summary
FROM unnest($1::text[]) WITH ORDINALITY AS asked (service_name, position)
CROSS JOIN LATERAL (
    SELECT c.service_name, c.started_at, c.duration_ms, c.is_success, c.summary
    FROM cycle AS c
    WHERE c.service_name = asked.service_name
    ORDER BY c.started_at DESC
    LIMIT 1
) AS newest
ORDER BY asked.position
