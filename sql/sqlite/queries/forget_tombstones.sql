/*
 * Purpose:    Delete the expired tombstones of URLs that were just named again.
 * Parameters: $1 JSON array of [url, …]
 *             $2 now
 * Result:     affected rows
 * Caller:     CandidateStore::add_candidates
 * Index:      primary key of candidate_tombstone
 */
DELETE FROM candidate_tombstone
WHERE url IN (SELECT named.value ->> 0 FROM json_each($1) AS named) AND expires_at <= $2
