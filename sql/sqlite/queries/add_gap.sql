/*
 * Purpose:    Add a gap whose place is free.
 * Parameters: $1 relay_id
 *             $2 filter_id
 *             $3 since
 *             $4 until
 *             $5 reason
 *             $6 attempts
 *             $7 found_at
 *             $8 next_attempt_at
 * Result:     affected rows
 * Caller:     CoverageStore::cover, CoverageStore::add_gap
 * Index:      primary key of gap
 */
INSERT INTO gap (relay_id, filter_id, since, until, reason, attempts, found_at, next_attempt_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
