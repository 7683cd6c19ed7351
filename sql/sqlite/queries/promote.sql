/*
 * Purpose:    Make a URL a relay, discovered when its candidate was.
 * Parameters: $1 url
 *             $2 network
 *             $3 now
 * Result:     affected rows = 0 when it was one already
 * Caller:     CandidateStore::promote
 * Index:      unique url of relay, primary key of candidate
 */
INSERT INTO relay (url, network, discovered_at, validated_at, state, next_check_at, next_sync_at)
VALUES (
    $1, $2, ifnull((SELECT discovered_at FROM candidate WHERE url = $1), $3), $3, 'new', $3, $3
)
ON CONFLICT (url) DO NOTHING
