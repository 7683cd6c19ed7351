/*
 * Purpose:    Find candidates that failed too often.
 * Parameters: $1 JSON array of all networks
 *             $2 max_failures
 *             $3 limit
 * Result:     url
 * Caller:     CandidateStore::give_up_candidates
 * Index:      candidate_by_attempt
 */
SELECT c.url
FROM json_each($1) AS every
CROSS JOIN candidate AS c ON c.network = every.value AND c.failures >= $2
LIMIT $3
