/*
 * Purpose:    Add a covered interval whose place is free.
 * Parameters: $1 relay_id
 *             $2 filter_id
 *             $3 since
 *             $4 until
 *             $5 method
 *             $6 covered_at
 *             $7 events
 * Result:     affected rows
 * Caller:     CoverageStore::cover
 * Index:      primary key of coverage
 */
INSERT INTO coverage (relay_id, filter_id, since, until, method, covered_at, events)
VALUES ($1, $2, $3, $4, $5, $6, $7)
