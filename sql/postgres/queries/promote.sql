/*
 * Purpose:    Make a URL a relay, discovered when its candidate was, which is no more.
 * Parameters: $1 url
 *             $2 network
 *             $3 now
 * Result:     affected rows = 0 when it was one already
 * Caller:     CandidateStore::promote
 * Index:      unique url of relay, primary key of candidate
 */
WITH gone AS (
    DELETE FROM candidate WHERE url = $1 RETURNING discovered_at
)
INSERT INTO relay (url, network, discovered_at, validated_at, state, next_check_at, next_sync_at)
SELECT $1, $2, coalesce((SELECT gone.discovered_at FROM gone), $3), $3, 'new', $3, $3
WHERE NOT EXISTS (SELECT FROM relay AS known WHERE known.url = $1)
ON CONFLICT (url) DO NOTHING
