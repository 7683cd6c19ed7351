/*
 * Purpose:    Name authors of events that were seen on a relay, those of the newest first.
 * Parameters: $1 relay_id
 *             $2 rows looked at
 *             $3 limit
 * Result:     pubkey, events
 * Caller:     FigureStore::authors_seen_on
 * Index:      author_relay_counter_by_relay, primary key of author_counter
 */
SELECT a.pubkey, c.events
FROM (
    SELECT s.author_id, s.events, s.last_created_at
    FROM author_relay_counter AS s
    WHERE s.relay_id = $1::bigint
    LIMIT $2
) AS c
JOIN author_counter AS a ON a.author_id = c.author_id
ORDER BY c.last_created_at DESC, a.pubkey
LIMIT $3
