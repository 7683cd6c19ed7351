/*
 * Purpose:    Forget that a relay is an alias.
 * Parameters: $1 relay_id
 * Result:     affected rows
 * Caller:     AliasStore::add_aliases, AliasStore::release_alias
 * Index:      primary key of relay_alias
 */
DELETE FROM relay_alias WHERE relay_id = $1
