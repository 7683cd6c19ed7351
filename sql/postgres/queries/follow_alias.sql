/*
 * Purpose:    Make the aliases of a relay that became an alias those of its canonical one.
 * Parameters: $1 relay_id
 *             $2 canonical_id
 * Result:     affected rows
 * Caller:     AliasStore::add_aliases
 * Index:      relay_alias_by_canonical
 */
UPDATE relay_alias SET canonical_id = $2 WHERE canonical_id = $1
