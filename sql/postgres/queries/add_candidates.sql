/*
 * Purpose:    Add URLs that nobody knows yet.
 * Parameters: $1 urls
 *             $2 networks
 *             $3 sources
 *             $4 moments of discovery; together one row each
 *             $5 now
 * Result:     affected rows = new candidates
 * Caller:     CandidateStore::add_candidates
 * Index:      primary keys of candidate and candidate_tombstone, unique url of relay
 */
INSERT INTO candidate (url, network, source, discovered_at, next_attempt_at)
SELECT DISTINCT ON (named.url) named.url, named.network, named.source, named.discovered_at, $5
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
    WITH ORDINALITY AS named (url, network, source, discovered_at, position)
WHERE NOT EXISTS (SELECT FROM relay AS r WHERE r.url = named.url)
    AND NOT EXISTS (SELECT FROM candidate AS c WHERE c.url = named.url)
    AND NOT EXISTS (
        SELECT FROM candidate_tombstone AS t WHERE t.url = named.url AND t.expires_at > $5
    )
ORDER BY named.url, named.position
ON CONFLICT (url) DO NOTHING
