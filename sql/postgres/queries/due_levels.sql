/*
 * Purpose:    Find out how often the candidates that are due have failed.
 * Parameters: $1 networks
 *             $2 now
 * Result:     failures, ascending: one row for each number of failures that a due candidate has
 * Caller:     CandidateStore::due_candidates
 * Index:      candidate_by_attempt, skipping from one number of failures to the next
 */
WITH RECURSIVE level (network, failures) AS (
    SELECT
        asked.network,
        (SELECT min(c.failures) FROM candidate AS c WHERE c.network = asked.network)
    FROM unnest($1::text[]) AS asked (network)
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
SELECT DISTINCT level.failures
FROM level
CROSS JOIN LATERAL (
    SELECT
    FROM candidate AS c
    WHERE c.network = level.network AND c.failures = level.failures AND c.next_attempt_at <= $2
    LIMIT 1
) AS due
ORDER BY level.failures
