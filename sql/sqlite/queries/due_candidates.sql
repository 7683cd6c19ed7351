/*
 * Purpose:    Find the due candidates that failed a number of times, longest waiting first.
 * Parameters: $1 JSON array of networks
 *             $2 now
 *             $3 failures
 *             $4 limit
 * Result:     candidates in that order
 * Caller:     CandidateStore::due_candidates, once for each row of due_levels until it has enough
 * Index:      candidate_by_attempt, at most limit entries of each network
 */
SELECT
    c.url, c.source, c.discovered_at, c.failures, c.next_attempt_at, c.last_reason
FROM json_each($1) AS asked
CROSS JOIN json_each((
    SELECT json_group_array(first.url)
    FROM (
        SELECT d.url
        FROM candidate AS d
        WHERE d.network = asked.value AND d.failures = $3 AND d.next_attempt_at <= $2
        ORDER BY d.next_attempt_at, d.url
        LIMIT $4
    ) AS first
)) AS due
CROSS JOIN candidate AS c ON c.url = due.value
ORDER BY c.next_attempt_at, c.url
LIMIT $4
