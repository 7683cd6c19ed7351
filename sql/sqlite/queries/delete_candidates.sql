/*
 * Purpose:    Delete candidates that became relays or were given up.
 * Parameters: $1 JSON array of urls
 * Result:     affected rows
 * Caller:     CandidateStore::promote, CandidateStore::give_up_candidates,
 *             CandidateStore::due_candidates (unreadable ones), RelayStore::add_relays
 * Index:      primary key of candidate
 */
DELETE FROM candidate WHERE url IN (SELECT gone.value FROM json_each($1) AS gone)
