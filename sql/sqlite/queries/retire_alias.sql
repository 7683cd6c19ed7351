/*
 * Purpose:    Visit a relay no more.
 * Parameters: $1 relay_id
 *             $2 a moment that never comes
 * Result:     affected rows
 * Caller:     AliasStore::add_aliases
 * Index:      primary key of relay
 */
UPDATE relay SET next_check_at = $2, next_sync_at = $2 WHERE relay_id = $1
