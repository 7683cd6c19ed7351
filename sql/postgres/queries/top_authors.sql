/*
 * Purpose:    Find the authors with the most events, as of the last refresh: an index of counters that change all
 *             the time would make each change dearer.
 * Parameters: $1 limit
 * Result:     pubkey, events, kinds, first_created_at, last_created_at, most events first
 * Caller:     FigureStore::top_authors
 * Index:      pubkey_counts_by_events
 */
SELECT
    decode(c.pubkey, 'hex') AS pubkey, c.event_count AS events, c.unique_kinds AS kinds,
    c.first_event_timestamp AS first_created_at, c.last_event_timestamp AS last_created_at
FROM pubkey_counts AS c
ORDER BY c.event_count DESC, c.pubkey
LIMIT $1
