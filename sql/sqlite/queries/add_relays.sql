/*
 * Purpose:    Add relays without validation; one that was a candidate keeps the older discovery.
 * Parameters: $1 JSON array of [url, network, discovered_at]
 *             $2 now
 * Result:     affected rows = new relays
 * Caller:     RelayStore::add_relays
 * Index:      unique url of relay, primary key of candidate
 */
INSERT INTO relay (url, network, discovered_at, validated_at, state, next_check_at, next_sync_at)
SELECT
    named.value ->> 0,
    named.value ->> 1,
    min(
        named.value ->> 2,
        ifnull(
            (SELECT c.discovered_at FROM candidate AS c WHERE c.url = named.value ->> 0),
            named.value ->> 2
        )
    ),
    $2, 'new', $2, $2
FROM json_each($1) AS named
WHERE true
ON CONFLICT (url) DO NOTHING
