/*
 * Purpose:    Forget who named URLs.
 * Parameters: $1 JSON array of urls
 * Result:     affected rows
 * Caller:     CandidateStore::give_up_candidates
 * Index:      primary key of candidate_evidence
 */
DELETE FROM candidate_evidence
WHERE url IN (SELECT gone.value FROM json_each($1) AS gone)
