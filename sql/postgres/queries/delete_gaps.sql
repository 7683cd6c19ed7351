/*
 * Purpose:    Delete the gaps that begin in a range.
 * Parameters: $1 relay_id
 *             $2 filter_id
 *             $3 first second
 *             $4 last second
 * Result:     affected rows
 * Caller:     CoverageStore::cover, CoverageStore::add_gap
 * Index:      primary key of gap
 */
DELETE FROM gap
WHERE relay_id = $1 AND filter_id = $2 AND since BETWEEN $3 AND $4
