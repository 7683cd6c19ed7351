/*
 * Purpose:    Find the relays that the synchronizer has to visit and no worker has leased, longest waiting first;
 *             aliases are never.
 * Parameters: $1 networks
 *             $2 now
 *             $3 limit
 * Result:     relays in that order
 * Caller:     RelayStore::due_for_sync
 * Index:      relay_by_sync, at most limit entries of each network and those that are leased; primary keys
 *             of relay_alias and relay_lease
 */
SELECT
    due.relay_id, due.url, due.network, due.discovered_at, due.validated_at, due.state,
    due.check_failures, due.next_check_at, due.sync_failures, due.next_sync_at
FROM unnest($1::text[]) AS asked (network)
CROSS JOIN LATERAL (
    SELECT
        r.relay_id, r.url, r.network, r.discovered_at, r.validated_at, r.state,
        r.check_failures, r.next_check_at, r.sync_failures, r.next_sync_at
    FROM relay AS r
    WHERE r.network = asked.network AND r.next_sync_at <= $2
        AND NOT EXISTS (SELECT FROM relay_alias AS a WHERE a.relay_id = r.relay_id)
        AND NOT EXISTS (
            SELECT FROM relay_lease AS l
            WHERE l.relay_id = r.relay_id AND l.work = 'sync' AND l.expires_at > clock_timestamp()
        )
    ORDER BY r.next_sync_at, r.relay_id
    LIMIT $3
) AS due
ORDER BY due.next_sync_at, due.relay_id
LIMIT $3
