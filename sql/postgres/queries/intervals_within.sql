/*
 * Purpose:    Read the intervals that overlap a range.
 * Parameters: $1 relay_id
 *             $2 filter_id
 *             $3 first second
 *             $4 last second
 * Result:     intervals, oldest first
 * Caller:     CoverageStore::cover
 * Index:      primary key of coverage, from the last one that begins before the range
 */
SELECT since, until, method, covered_at, events
FROM coverage
WHERE relay_id = $1
    AND filter_id = $2
    AND since BETWEEN
        coalesce(
            (
                SELECT max(before.since)
                FROM coverage AS before
                WHERE before.relay_id = $1 AND before.filter_id = $2 AND before.since <= $3
            ),
            0
        )
        AND $4
    AND until >= $3
ORDER BY since
