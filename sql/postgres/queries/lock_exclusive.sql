/*
 * Purpose:    Wait until nobody has a lock, and have it alone until the transaction ends.
 * Parameters: $1 number of the lock
 * Result:     one row
 * Caller:     CandidateStore::add_candidates, CandidateStore::give_up_candidates,
 *             MetadataStore::delete_orphan_metadata
 * Index:      none
 */
SELECT pg_advisory_xact_lock($1)
