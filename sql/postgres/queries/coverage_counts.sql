/*
 * Purpose:    Count covered intervals by method.
 * Parameters: none
 * Result:     method, intervals, relays, events
 * Caller:     CoverageStore::coverage_counts
 * Index:      none: reads coverage whole
 */
SELECT
    method,
    count(*) AS intervals,
    count(DISTINCT relay_id) AS relays,
    least(sum(events), 9223372036854775807)::bigint AS events
FROM coverage
GROUP BY method
