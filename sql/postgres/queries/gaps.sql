/*
 * Purpose:    Read the gaps of a relay, the newest when there are too many.
 * Parameters: $1 relay_id
 *             $2 filter_id
 *             $3 limit
 * Result:     gaps, oldest first
 * Caller:     CoverageStore::gaps
 * Index:      primary key of gap
 */
SELECT since, until, reason, attempts, found_at, next_attempt_at
FROM (
    SELECT since, until, reason, attempts, found_at, next_attempt_at
    FROM gap
    WHERE relay_id = $1 AND filter_id = $2
    ORDER BY since DESC
    LIMIT $3
) AS newest
ORDER BY since
