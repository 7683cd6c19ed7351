/*
 * Purpose:    Find the due candidates that failed a number of times, longest waiting first.
 * Parameters: $1 networks
 *             $2 now
 *             $3 failures
 *             $4 limit
 * Result:     candidates in that order
 * Caller:     CandidateStore::due_candidates, once for each row of due_levels until it has enough
 * Index:      candidate_by_attempt, at most limit entries of each network
 */
SELECT due.url, due.source, due.discovered_at, due.failures, due.next_attempt_at, due.last_reason
FROM unnest($1::text[]) AS asked (network)
CROSS JOIN LATERAL (
    SELECT c.url, c.source, c.discovered_at, c.failures, c.next_attempt_at, c.last_reason
    FROM candidate AS c
    WHERE c.network = asked.network AND c.failures = $3 AND c.next_attempt_at <= $2
    ORDER BY c.next_attempt_at, c.url
    LIMIT $4
) AS due
ORDER BY due.next_attempt_at, due.url
LIMIT $4
