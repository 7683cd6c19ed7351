/*
 * Purpose:    Delete the rows of a relay beyond the age of their resolution.
 * Parameters: $1 relay_id
 *             $2 resolutions, seconds
 *             $3 before; together one row each
 * Result:     affected rows
 * Caller:     HistoryStore::add_outcome
 * Index:      primary key of relay_series
 */
DELETE FROM relay_series AS old
USING unnest($2::bigint[], $3::bigint[]) AS kept (resolution_s, before)
WHERE old.relay_id = $1 AND old.resolution_s = kept.resolution_s AND old.started_at < kept.before
