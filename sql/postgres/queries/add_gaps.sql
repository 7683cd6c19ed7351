/*
 * Purpose:    Add gaps whose places are free.
 * Parameters: $1 relay_id
 *             $2 filter_id
 *             $3 first seconds
 *             $4 last seconds
 *             $5 reasons
 *             $6 attempts
 *             $7 moments of finding
 *             $8 moments of the next attempt; $3 to $8 together one row each
 * Result:     affected rows
 * Caller:     CoverageStore::cover, CoverageStore::add_gap
 * Index:      primary key of gap
 */
INSERT INTO gap (relay_id, filter_id, since, until, reason, attempts, found_at, next_attempt_at)
SELECT $1, $2, new.since, new.until, new.reason, new.attempts, new.found_at, new.next_attempt_at
FROM unnest($3::bigint[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[])
    AS new (since, until, reason, attempts, found_at, next_attempt_at)
