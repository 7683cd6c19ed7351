/*
 * Purpose:    Wait until nobody has a lock alone, and share it until the transaction ends.
 * Parameters: $1 number of the lock
 * Result:     one row
 * Caller:     CandidateStore::promote, RelayStore::add_relays,
 *             MetadataStore::add_relay_metadata
 * Index:      none
 */
SELECT pg_advisory_xact_lock_shared($1)
