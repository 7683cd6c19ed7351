/*
 * Purpose:    Lease what an outside relay is to be sent to a worker, what waits longest first, or renew its leases. What
 *             another worker is just taking is passed over, so that nobody waits.
 * Parameters: $1 relay_url
 *             $2 limit
 *             $3 worker
 *             $4 milliseconds until the lease ends
 * Result:     publications that are the worker's now
 * Caller:     PublicationStore::lease_publications
 * Index:      publication_by_time, at most limit entries and those that others have; primary key of publication
 */
WITH next AS MATERIALIZED (
    SELECT p.relay_url, p.subject
    FROM publication AS p
    WHERE p.relay_url = $1 AND (p.leased_until IS NULL OR p.leased_until <= clock_timestamp() OR p.worker = $3)
    ORDER BY p.queued_at, p.subject
    LIMIT $2
    FOR NO KEY UPDATE SKIP LOCKED
),
taken AS (
    UPDATE publication AS p
    SET worker = $3, leased_until = clock_timestamp() + $4::bigint * INTERVAL '1 millisecond'
    FROM next
    WHERE p.relay_url = next.relay_url AND p.subject = next.subject
    RETURNING p.relay_url, p.subject, p.event_id, p.queued_at
)
SELECT relay_url AS url, subject, event_id, queued_at
FROM taken
ORDER BY queued_at, subject
