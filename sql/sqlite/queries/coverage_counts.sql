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
    CAST(total(events) AS INTEGER) AS events
FROM coverage
GROUP BY method
