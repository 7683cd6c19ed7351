/*
 * Purpose:    Visit a relay again that was an alias.
 * Parameters: $1 relay_id
 *             $2 now
 * Result:     affected rows = 0 when it was none
 * Caller:     AliasStore::add_aliases, AliasStore::release_alias
 * Index:      primary keys of relay and relay_alias
 */
UPDATE relay SET next_check_at = $2, next_sync_at = $2
WHERE relay_id = $1 AND EXISTS (SELECT 1 FROM relay_alias AS a WHERE a.relay_id = $1)
