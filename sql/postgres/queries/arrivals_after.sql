/*
 * Purpose:    The log after a batch: whole batches until enough events were in them.
 * Parameters: $1 the batch
 *             $2 how many events are enough
 * Result:     batch and arrived_at, oldest first
 * Caller:     EventStore::arrivals_after
 * Index:      primary key of arrival, at most $2 + 1 rows
 */
SELECT l.batch, l.arrived_at
FROM (
    SELECT a.batch, a.arrived_at,
        sum(a.events) OVER (ORDER BY a.batch ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS events_before
    FROM (
        SELECT a.batch, a.arrived_at, cardinality(a.eids) AS events
        FROM arrival a WHERE a.batch > $1 ORDER BY a.batch LIMIT $2 + 1
    ) AS a
) AS l
WHERE coalesce(l.events_before, 0) < $2 OR l.events_before IS NULL
ORDER BY l.batch
