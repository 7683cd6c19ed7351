/*
 * Purpose:    Add URLs that nobody knows yet.
 * Parameters: $1 JSON array of [url, network, source, discovered_at]
 *             $2 now
 * Result:     affected rows = new candidates
 * Caller:     CandidateStore::add_candidates
 * Index:      primary keys of candidate and candidate_tombstone, unique url of relay
 */
INSERT INTO candidate (url, network, source, discovered_at, next_attempt_at)
SELECT named.value ->> 0, named.value ->> 1, named.value ->> 2, named.value ->> 3, $2
FROM json_each($1) AS named
WHERE NOT EXISTS (SELECT 1 FROM relay WHERE relay.url = named.value ->> 0)
    AND NOT EXISTS (
        SELECT 1
        FROM candidate_tombstone AS tombstone
        WHERE tombstone.url = named.value ->> 0 AND tombstone.expires_at > $2
    )
ON CONFLICT (url) DO NOTHING
