/*
 * Purpose:    Delete the expired tombstones of URLs that were just named again.
 * Parameters: $1 urls
 *             $2 now
 * Result:     affected rows
 * Caller:     CandidateStore::add_candidates
 * Index:      primary key of candidate_tombstone
 */
DELETE FROM candidate_tombstone WHERE url = ANY ($1) AND expires_at <= $2
