/*
 * Purpose:    Lease relays to a worker, or renew its leases; what another worker holds stays with it.
 * Parameters: $1 relay_ids
 *             $2 worker
 *             $3 milliseconds until the lease ends
 *             $4 the work, as in relay_lease
 * Result:     the relays that are the worker's now
 * Caller:     LeaseStore::lease
 * Index:      primary keys of relay and relay_lease
 */
INSERT INTO relay_lease (relay_id, work, worker, expires_at)
SELECT r.relay_id, $4, $2, clock_timestamp() + $3::bigint * INTERVAL '1 millisecond'
FROM relay AS r
WHERE r.relay_id = ANY ($1::bigint[])
-- In one order everywhere, so that two workers never wait for each other.
ORDER BY r.relay_id
ON CONFLICT (relay_id, work) DO UPDATE
SET worker = excluded.worker, expires_at = excluded.expires_at
WHERE relay_lease.worker = excluded.worker OR relay_lease.expires_at <= clock_timestamp()
RETURNING relay_id
