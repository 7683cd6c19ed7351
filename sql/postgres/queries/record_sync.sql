/*
 * Purpose:    Record the end of a visit of the synchronizer.
 * Parameters: $1 relay_id
 *             $2 sync_failures
 *             $3 next_sync_at
 * Result:     affected rows = 0 when there is no such relay
 * Caller:     RelayStore::record_sync
 * Index:      primary key of relay
 */
UPDATE relay
SET sync_failures = $2, next_sync_at = $3
WHERE relay_id = $1
