/*
 * Purpose:    Find the relays that the synchronizer has to visit, longest waiting first; aliases are never.
 * Parameters: $1 JSON array of networks
 *             $2 now
 *             $3 limit
 * Result:     relays in that order
 * Caller:     RelayStore::due_for_sync
 * Index:      relay_by_sync, at most limit entries of each network; primary key of relay_alias
 */
SELECT
    r.relay_id, r.url, r.network, r.discovered_at, r.validated_at, r.state, r.check_failures,
    r.next_check_at, r.sync_failures, r.next_sync_at
FROM json_each($1) AS asked
CROSS JOIN json_each((
    SELECT json_group_array(first.relay_id)
    FROM (
        SELECT d.relay_id
        FROM relay AS d
        WHERE d.network = asked.value AND d.next_sync_at <= $2
            AND NOT EXISTS (SELECT 1 FROM relay_alias AS a WHERE a.relay_id = d.relay_id)
        ORDER BY d.next_sync_at, d.relay_id
        LIMIT $3
    ) AS first
)) AS due
CROSS JOIN relay AS r ON r.relay_id = due.value
ORDER BY r.next_sync_at, r.relay_id
LIMIT $3
