/*
 * Purpose:    Read the rows of a relay in every resolution, of which there is a bounded number.
 * Parameters: $1 relay_id
 * Result:     rows, the newest of each resolution first
 * Caller:     HistoryStore::uptime
 * Index:      primary key of relay_series
 */
SELECT resolution_s, started_at, checks, answered, up_s, down_s, open_times
FROM relay_series
WHERE relay_id = $1
ORDER BY resolution_s DESC, started_at DESC
