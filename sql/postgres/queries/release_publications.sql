/*
 * Purpose:    End a worker's leases of what an outside relay is to be sent.
 * Parameters: $1 relay_url
 *             $2 worker
 * Result:     affected rows = leases that it had
 * Caller:     PublicationStore::release_publications
 * Index:      primary key of publication, everything that waits for the relay
 */
UPDATE publication AS p
SET worker = NULL, leased_until = NULL
FROM (
    SELECT m.subject
    FROM publication AS m
    WHERE m.relay_url = $1 AND m.worker = $2
    -- In one order everywhere, so that two workers never wait for each other.
    ORDER BY m.subject
    FOR NO KEY UPDATE
) AS mine
WHERE p.relay_url = $1 AND p.subject = mine.subject
