/*
 * Purpose:    Write down that what was published about an alias was withdrawn.
 * Parameters: $1 relay_id
 *             $2 withdrawn_at
 * Result:     affected rows
 * Caller:     AliasStore::record_withdrawal
 * Index:      primary key of relay_alias
 */
UPDATE relay_alias SET withdrawn_at = $2 WHERE relay_id = $1
