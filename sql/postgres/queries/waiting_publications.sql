/*
 * Purpose:    Find what an outside relay is to be sent and nobody is sending, what waits longest first.
 * Parameters: $1 relay_url
 *             $2 limit
 * Result:     publications
 * Caller:     PublicationStore::waiting_publications
 * Index:      publication_by_time, at most limit entries and those that are leased
 */
SELECT relay_url AS url, subject, event_id, queued_at
FROM publication
WHERE relay_url = $1 AND (leased_until IS NULL OR leased_until <= clock_timestamp())
ORDER BY queued_at, subject
LIMIT $2
