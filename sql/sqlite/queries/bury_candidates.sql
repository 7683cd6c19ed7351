/*
 * Purpose:    Leave tombstones of candidates that are about to be deleted.
 * Parameters: $1 JSON array of urls
 *             $2 expires_at
 * Result:     affected rows
 * Caller:     CandidateStore::give_up_candidates
 * Index:      primary keys of candidate and candidate_tombstone
 */
INSERT INTO candidate_tombstone (url, expires_at, last_reason)
SELECT c.url, $2, c.last_reason
FROM json_each($1) AS gone
CROSS JOIN candidate AS c ON c.url = gone.value
WHERE true
ON CONFLICT (url) DO UPDATE
SET expires_at = max(expires_at, excluded.expires_at), last_reason = excluded.last_reason
