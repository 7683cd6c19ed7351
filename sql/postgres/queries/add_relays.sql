/*
 * Purpose:    Add relays without validation; one that was a candidate keeps the older discovery.
 * Parameters: $1 urls
 *             $2 networks
 *             $3 moments of discovery; together one row each
 *             $4 now
 * Result:     affected rows = new relays
 * Caller:     RelayStore::add_relays
 * Index:      unique url of relay, primary key of candidate
 */
INSERT INTO relay (url, network, discovered_at, validated_at, state, next_check_at, next_sync_at)
SELECT DISTINCT ON (named.url)
    named.url, named.network, least(named.discovered_at, c.discovered_at), $4, 'new', $4, $4
FROM unnest($1::text[], $2::text[], $3::bigint[])
    WITH ORDINALITY AS named (url, network, discovered_at, position)
LEFT JOIN candidate AS c ON c.url = named.url
WHERE NOT EXISTS (SELECT FROM relay AS known WHERE known.url = named.url)
ORDER BY named.url, named.position
ON CONFLICT (url) DO NOTHING
