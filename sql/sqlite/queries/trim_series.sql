/*
 * Purpose:    Delete the rows of a relay beyond the age of their resolution.
 * Parameters: $1 relay_id
 *             $2 resolution_s
 *             $3 before
 * Result:     affected rows
 * Caller:     HistoryStore::add_outcome
 * Index:      primary key of relay_series
 */
DELETE FROM relay_series WHERE relay_id = $1 AND resolution_s = $2 AND started_at < $3
