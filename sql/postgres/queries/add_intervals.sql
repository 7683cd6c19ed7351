/*
 * Purpose:    Add covered intervals whose places are free.
 * Parameters: $1 relay_id
 *             $2 filter_id
 *             $3 first seconds
 *             $4 last seconds
 *             $5 methods
 *             $6 moments of covering
 *             $7 numbers of events; $3 to $7 together one row each
 * Result:     affected rows
 * Caller:     CoverageStore::cover
 * Index:      primary key of coverage
 */
INSERT INTO coverage (relay_id, filter_id, since, until, method, covered_at, events)
SELECT $1, $2, new.since, new.until, new.method, new.covered_at, new.events
FROM unnest($3::bigint[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[])
    AS new (since, until, method, covered_at, events)
