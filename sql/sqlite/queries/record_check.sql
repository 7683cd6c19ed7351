/*
 * Purpose:    Record what a check found about a relay.
 * Parameters: $1 relay_id
 *             $2 state
 *             $3 check_failures
 *             $4 next_check_at
 * Result:     affected rows = 0 when there is no such relay
 * Caller:     RelayStore::record_check
 * Index:      primary key of relay
 */
UPDATE relay
SET state = $2, check_failures = $3, next_check_at = $4
WHERE relay_id = $1
