/*
 * Purpose:    End leases of a worker.
 * Parameters: $1 relay_ids
 *             $2 worker
 *             $3 the work, as in relay_lease
 * Result:     affected rows = leases that it had
 * Caller:     LeaseStore::release
 * Index:      primary key of relay_lease
 */
DELETE FROM relay_lease
WHERE work = $3 AND relay_id IN (
    SELECT l.relay_id
    FROM relay_lease AS l
    WHERE l.relay_id = ANY ($1::bigint[]) AND l.work = $3 AND l.worker = $2
    -- In one order everywhere, so that two workers never wait for each other.
    ORDER BY l.relay_id
    FOR UPDATE
)
