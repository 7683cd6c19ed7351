/*
 * Purpose:    Find the key of a relay.
 * Parameters: $1 url
 * Result:     relay_id
 * Caller:     CandidateStore::promote
 * Index:      unique url of relay
 */
SELECT relay_id FROM relay WHERE url = $1
