/*
 * Purpose:    Count what waits for each outside relay.
 * Result:     counts by URL
 * Parameters: none
 * Caller:     PublicationStore::publication_counts
 * Index:      none: reads publication whole
 */
SELECT relay_url AS url, count(*) AS events
FROM publication
GROUP BY relay_url
ORDER BY relay_url
