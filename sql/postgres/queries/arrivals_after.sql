/*
 * Purpose:    Read the log of arrivals after a batch: whole batches until enough events were in them.
 * Parameters: $1 the batch
 *             $2 how many events are enough
 * Result:     batch and arrived_at, oldest first, at least one
 * Caller:     EventStore::arrivals_after
 * Index:      primary key of arrival, at most $2 + 1 rows, for a batch has an event
 */
SELECT l.batch, l.arrived_at
FROM (
    SELECT
        n.batch, n.arrived_at,
        sum(n.events) OVER (ORDER BY n.batch ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS events_before
    FROM (
        SELECT a.batch, a.arrived_at, cardinality(a.eids) AS events
        FROM arrival AS a
        WHERE a.batch > $1
        ORDER BY a.batch
        LIMIT $2 + 1
    ) AS n
) AS l
WHERE l.events_before IS NULL OR l.events_before < $2
ORDER BY l.batch
