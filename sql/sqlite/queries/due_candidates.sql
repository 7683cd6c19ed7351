/*
 * Purpose:    Find the candidates to try next: fewest failures first, then longest waiting.
 * Parameters: $1 JSON array of networks
 *             $2 now
 *             $3 limit
 * Result:     candidates in that order
 * Caller:     CandidateStore::due_candidates
 * Index:      candidate_by_attempt, skipping from one number of failures to the next, so that the
 *             work grows with the limit and the failure levels, never with the candidates
 */
WITH RECURSIVE level (network, failures) AS (
    SELECT
        asked.value,
        (SELECT min(c.failures) FROM candidate AS c WHERE c.network = asked.value)
    FROM json_each($1) AS asked
    UNION ALL
    SELECT
        level.network,
        (
            SELECT min(c.failures)
            FROM candidate AS c
            WHERE c.network = level.network AND c.failures > level.failures
        )
    FROM level
    WHERE level.failures IS NOT NULL
)
SELECT
    c.url, c.source, c.discovered_at, c.failures, c.next_attempt_at, c.last_reason
FROM level
CROSS JOIN json_each((
    SELECT json_group_array(first.url)
    FROM (
        SELECT d.url
        FROM candidate AS d
        WHERE d.network = level.network
            AND d.failures = level.failures
            AND d.next_attempt_at <= $2
        ORDER BY d.next_attempt_at, d.url
        LIMIT $3
    ) AS first
)) AS due
CROSS JOIN candidate AS c ON c.url = due.value
ORDER BY c.failures, c.next_attempt_at, c.url
LIMIT $3
