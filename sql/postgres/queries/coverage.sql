/*
 * Purpose:    Read the covered intervals of a relay, the newest when there are too many.
 * Parameters: $1 relay_id
 *             $2 filter_id
 *             $3 limit
 * Result:     intervals, oldest first
 * Caller:     CoverageStore::coverage
 * Index:      primary key of coverage
 */
SELECT since, until, method, covered_at, events
FROM (
    SELECT since, until, method, covered_at, events
    FROM coverage
    WHERE relay_id = $1 AND filter_id = $2
    ORDER BY since DESC
    LIMIT $3
) AS newest
ORDER BY since
