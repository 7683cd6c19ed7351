/*
 * Purpose:    End leases of a worker.
 * Parameters: $1 relay_ids
 *             $2 worker
 * Result:     affected rows = leases that it had
 * Caller:     LeaseStore::release
 * Index:      primary key of sync_lease
 */
DELETE FROM sync_lease
WHERE relay_id IN (
    SELECT l.relay_id
    FROM sync_lease AS l
    WHERE l.relay_id = ANY ($1::bigint[]) AND l.worker = $2
    -- In one order everywhere, so that two workers never wait for each other.
    ORDER BY l.relay_id
    FOR UPDATE
)
