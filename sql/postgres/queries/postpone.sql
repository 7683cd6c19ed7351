/*
 * Purpose:    Count a failed attempt.
 * Parameters: $1 url
 *             $2 reason
 *             $3 next_attempt_at
 * Result:     affected rows = 0 when it is no candidate
 * Caller:     CandidateStore::postpone
 * Index:      primary key of candidate
 */
UPDATE candidate
SET failures = failures + 1, last_reason = $2, next_attempt_at = $3
WHERE url = $1
