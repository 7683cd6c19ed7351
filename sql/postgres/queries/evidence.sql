/*
 * Purpose:    Find out who named a URL.
 * Parameters: $1 url
 * Result:     evidence by source
 * Caller:     EvidenceStore::evidence
 * Index:      primary key of candidate_evidence
 */
SELECT url, source, namings, first_named_at, last_named_at
FROM candidate_evidence
WHERE url = $1
ORDER BY source
