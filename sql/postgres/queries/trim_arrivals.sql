/*
 * Purpose:    Take the oldest batches out of the log, up to the first that is not old enough.
 * Parameters: $1 the last batch that may go
 *             $2 unix seconds before which it arrived
 * Result:     trimmed, how many
 * Caller:     EventStore::trim_arrivals
 * Index:      primary key of arrival, from the oldest batch on
 */
WITH young AS (
    SELECT a.batch FROM arrival a WHERE a.arrived_at >= $2 AND a.batch <= $1 ORDER BY a.batch LIMIT 1
), gone AS (
    DELETE FROM arrival a
    WHERE a.batch <= $1 AND NOT EXISTS (SELECT FROM young y WHERE y.batch <= a.batch)
    RETURNING a.batch
)
SELECT count(*) AS trimmed FROM gone
