/*
 * Purpose:    Lease relays that the synchronizer has to visit to a worker, longest waiting first. What another
 *             worker is just taking is passed over, so that nobody waits.
 * Parameters: $1 networks
 *             $2 now
 *             $3 limit
 *             $4 worker
 *             $5 milliseconds until the lease ends
 * Result:     the relays that are the worker's now, in that order
 * Caller:     LeaseStore::lease_due, for synchronizers
 * Index:      relay_by_sync, at most limit entries of each network and those that are leased; primary keys
 *             of relay_alias and relay_lease
 */
WITH due AS MATERIALIZED (
    SELECT
        first.relay_id, first.url, first.network, first.discovered_at, first.validated_at, first.state,
        first.check_failures, first.next_check_at, first.sync_failures, first.next_sync_at
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
        FOR NO KEY UPDATE OF r SKIP LOCKED
    ) AS first
    ORDER BY first.next_sync_at, first.relay_id
    LIMIT $3
),
taken AS (
    INSERT INTO relay_lease (relay_id, work, worker, expires_at)
    SELECT due.relay_id, 'sync', $4, clock_timestamp() + $5::bigint * INTERVAL '1 millisecond'
    FROM due
    -- In one order everywhere, so that two workers never wait for each other.
    ORDER BY due.relay_id
    ON CONFLICT (relay_id, work) DO UPDATE
    SET worker = excluded.worker, expires_at = excluded.expires_at
    WHERE relay_lease.expires_at <= clock_timestamp()
    RETURNING relay_id
)
SELECT
    due.relay_id, due.url, due.network, due.discovered_at, due.validated_at, due.state,
    due.check_failures, due.next_check_at, due.sync_failures, due.next_sync_at
FROM due
INNER JOIN taken ON taken.relay_id = due.relay_id
ORDER BY due.next_sync_at, due.relay_id
