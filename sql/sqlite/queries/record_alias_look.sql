/*
 * Purpose:    Write down when an alias was looked at.
 * Parameters: $1 relay_id
 *             $2 looked_at
 * Result:     affected rows
 * Caller:     AliasStore::record_alias_look
 * Index:      primary key of relay_alias
 */
UPDATE relay_alias SET looked_at = $2 WHERE relay_id = $1
