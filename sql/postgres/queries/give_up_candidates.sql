/*
 * Purpose:    Make candidates that failed too often tombstones, and forget who named them.
 * Parameters: $1 all networks
 *             $2 max_failures
 *             $3 expires_at
 *             $4 limit
 * Result:     affected rows = candidates given up
 * Caller:     CandidateStore::give_up_candidates
 * Index:      candidate_by_attempt, primary keys of candidate, candidate_tombstone and candidate_evidence
 */
WITH exhausted AS (
    SELECT c.url
    FROM unnest($1::text[]) AS every (network)
    CROSS JOIN LATERAL (
        SELECT d.url
        FROM candidate AS d
        WHERE d.network = every.network AND d.failures >= $2
        LIMIT $4
    ) AS c
    LIMIT $4
),
gone AS (
    DELETE FROM candidate USING exhausted
    WHERE candidate.url = exhausted.url
    RETURNING candidate.url, candidate.last_reason
),
forgotten AS (
    DELETE FROM candidate_evidence USING exhausted
    WHERE candidate_evidence.url = exhausted.url
)
INSERT INTO candidate_tombstone (url, expires_at, last_reason)
SELECT gone.url, $3, gone.last_reason FROM gone ORDER BY gone.url
ON CONFLICT (url) DO UPDATE
SET expires_at = greatest(candidate_tombstone.expires_at, excluded.expires_at),
    last_reason = excluded.last_reason
