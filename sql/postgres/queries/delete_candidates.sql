/*
 * Purpose:    Delete candidates that became relays or cannot be read.
 * Parameters: $1 urls
 * Result:     affected rows
 * Caller:     RelayStore::add_relays, CandidateStore::due_candidates (unreadable ones)
 * Index:      primary key of candidate
 */
DELETE FROM candidate
USING (
    SELECT c.url FROM candidate AS c WHERE c.url = ANY ($1) ORDER BY c.url FOR UPDATE
) AS gone
WHERE candidate.url = gone.url
